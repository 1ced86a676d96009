// Which backend makes the picture, and what is said where there is no WebGPU.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INSECURE, blank, launch } from './lib/browser.mjs';
import { bytesOf, compare } from './lib/pictures.mjs';
import { ends, failedAs, isCpu, isGpu, session, worked } from './lib/session.mjs';
import { origin } from './lib/static.mjs';

const ASKED = { prompt: 'a red apple', seed: 7, steps: 2 };
const { host, page } = await session();
const makes = (where, backend) => where.evaluate(
  ([backend, asked]) => outcome(async () => ({ loaded: await load(backend, { backend }), made: await make(backend, asked) })),
  [backend, ASKED],
);

test('webgpu is WebGPU', async () => {
  const { loaded, made } = worked(await makes(page, 'webgpu'));
  isGpu(made);
  assert.equal(loaded.backend, 'webgpu');
  assert.equal(typeof loaded.caps, 'object');
  assert.ok(loaded.caps.max_binding > 0, 'caps are those of the device');
});

test('cpu is the CPU, and makes the same picture', async () => {
  const { made } = worked(await makes(page, 'cpu'));
  isCpu(made);
  const gpu = await page.evaluate((asked) => make('webgpu', asked), ASKED);
  isGpu(gpu);
  const { psnr, worst } = compare(bytesOf(made.images[0]), bytesOf(gpu.images[0]));
  assert.ok(psnr >= 60 && worst <= 2, `PSNR ${psnr}, worst ${worst}`);
});

test('auto takes no software adapter, and says why', async () => {
  const { loaded, made } = worked(await makes(page, 'auto'));
  isCpu(made);
  assert.equal(loaded.backend, 'cpu');
  assert.match(loaded.why, /software|hardware|fallback/i);
});

test('an unknown backend is a named error', async () => {
  failedAs(await page.evaluate(() => outcome(() => load('x', { backend: 'cuda' }))), 'BadRequest', /cuda/);
});

test('two pipelines of two backends coexist, and calls on one queue', async () => {
  const made = await page.evaluate(async (asked) => {
    const [a, b, c] = await Promise.all([make('webgpu', asked), make('webgpu', { ...asked, seed: 8 }), make('cpu', asked)]);
    return [a, b, c];
  }, ASKED);
  isGpu(made[0]);
  isGpu(made[1]);
  isCpu(made[2]);
  assert.notEqual(made[0].images[0].rgba, made[1].images[0].rgba, 'another seed is another picture');
});

test('free rejects what is pending', async () => {
  const got = await page.evaluate(async (asked) => {
    await load('freed', { backend: 'cpu' });
    const both = [outcome(() => make('freed', { ...asked, steps: 20 })), outcome(() => make('freed', asked))];
    setTimeout(() => pipes.freed.free(), 100);
    const after = await Promise.all(both);
    return [...after, await outcome(() => make('freed', asked))];
  }, ASKED);
  for (const one of got) failedAs(one, 'Aborted');
});

test('without an adapter: webgpu is NoWebGpu, auto is the CPU', async () => {
  const browser = ends(await launch({ webgpu: false }));
  const without = await blank(await browser.newContext(), host.origin);
  const refused = await makes(without, 'webgpu');
  failedAs(refused, 'NoWebGpu');
  assert.equal(refused.error.reason, 'adapter');
  isCpu(worked(await makes(without, 'auto')).made);
});

test('in an insecure context: webgpu is NoWebGpu, auto is the CPU, nothing is kept', async () => {
  const there = await blank(page.context(), origin(host.port, INSECURE));
  assert.equal(await there.evaluate(() => isSecureContext), false, 'the test needs an insecure context');
  const refused = await makes(there, 'webgpu');
  failedAs(refused, 'NoWebGpu', /https/);
  assert.equal(refused.error.reason, 'insecure');
  const { loaded, made } = worked(await makes(there, 'auto'));
  isCpu(made);
  assert.equal(loaded.kept, 'no');
  assert.match(loaded.keptWhy, /secure/);
});
