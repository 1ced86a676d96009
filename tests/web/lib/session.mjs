// What most test files begin with: a server, a browser and the blank page; and the checks that many share.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { blank, launch } from './browser.mjs';
import { bytesOf, contrast } from './pictures.mjs';
import { serve } from './static.mjs';

/** Ends what a file began, also when it fails. @param {{close?: () => Promise<void>, stop?: () => Promise<void>}} thing */
export function ends(thing) {
  after(() => (thing.stop ? thing.stop() : thing.close()));
  return thing;
}

export async function session({ webgpu = true, args = [], ...served } = {}) {
  const host = ends(await serve(served));
  const browser = ends(await launch({ webgpu, args }));
  const context = await browser.newContext();
  return { host, browser, context, page: await blank(context, host.origin) };
}

/** Made on WebGPU, and on nothing else. */
export function isGpu(made) {
  assert.equal(made.backend, 'webgpu');
  assert.notEqual(made.adapter, '', 'an adapter has a name');
  const { submits, dispatches } = made.timings;
  assert.ok(submits > 0, 'a picture of the GPU has submits');
  assert.ok(dispatches > 0, 'a picture of the GPU has dispatches');
  isPicture(made.images[0]);
}

/** Made on the CPU. */
export function isCpu(made) {
  assert.equal(made.backend, 'cpu');
  assert.match(made.adapter, /cpu|reference/i);
  isPicture(made.images[0]);
}

/** There is something to see. */
export function isPicture(image) {
  const { width, height, rgba } = bytesOf(image);
  assert.equal(rgba.length, width * height * 4);
  assert.ok(contrast({ rgba }) > 5, 'the picture is of one colour');
}

/** An outcome of the page that is an error of the package. */
export function failedAs(outcome, name, words = /./) {
  assert.ok(outcome.error, `should have failed as ${name}, and gave a value`);
  assert.equal(outcome.error.name, name, outcome.error.message);
  assert.ok(outcome.error.typed, 'is an OnelaunchError');
  assert.match(outcome.error.message, words);
}

/** The value of an outcome. */
export function worked(outcome) {
  assert.equal(outcome.error, undefined, `${outcome.error?.name}: ${outcome.error?.message}`);
  return outcome.value;
}

/** The workers of a page that have the package in them. */
export const workersOf = (page) => page.workers().filter((worker) => /worker/.test(worker.url()) || worker.url().startsWith('blob:'));

/** Tries until it is so, or fails with what it was last. */
export async function until(what, ask, ms = 20_000) {
  const end = Date.now() + ms;
  for (let last; ;) {
    last = await ask();
    if (last) return last;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms (${JSON.stringify(last)})`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
