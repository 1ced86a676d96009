// The browser's WebGPU against the native CPU reference: the same recipe gives the same picture, out of the kernels that the native planner
// chooses for the browser's device.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesOf, compare, readPng } from './lib/pictures.mjs';
import { isGpu, session } from './lib/session.mjs';
import { MODEL, NATIVE, ROOT, scratch } from './lib/where.mjs';

const folder = scratch('agreement');
const { page } = await session();
await page.evaluate(() => load('gpu', { backend: 'webgpu' }));

/** The same recipe, natively. */
function native(name, { prompt, negative, steps, sampler, guidance, seed }) {
  const out = join(folder, `${name}.png`);
  const flags = { steps, sampler, guidance, seed, negative };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined).flatMap(([flag, value]) => [`--${flag}`, String(value)]);
  execFileSync(NATIVE, ['generate', prompt, ...given, '--model', MODEL, '--backend', 'cpu', '--out', out, '--quiet'], { stdio: ['ignore', 'ignore', 'inherit'] });
  return readPng(readFileSync(out));
}

const PROMPTS = [{ prompt: 'a red apple' }, { prompt: 'teal umbrella', negative: 'face, yellow' }, { prompt: 'golden bell' }];
// One that draws noise on the way, one of second order, one plain.
const SAMPLERS = ['euler_a', 'dpmpp_2m', 'ddim'];

async function agrees(name, asked) {
  const made = await page.evaluate((asked) => make('gpu', asked), asked);
  isGpu(made);
  const { psnr, worst } = compare(bytesOf(made.images[0]), native(name, asked));
  console.log(`    ${name}: PSNR ${psnr.toFixed(1)} dB, within ${worst}/255, ${made.timings.image.toFixed(2)} s`);
  assert.ok(psnr >= 60, `${name}: PSNR ${psnr}`);
  assert.ok(worst <= 2, `${name}: a channel differs by ${worst}`);
}

for (const [i, words] of PROMPTS.entries()) {
  for (const sampler of SAMPLERS) {
    test(`${words.prompt}, ${sampler}, 4 steps`, () => agrees(`${i}-${sampler}`, { ...words, sampler, steps: 4, seed: 7 + i }));
  }
}

test('a whole default recipe', () => agrees('default', { prompt: 'a red apple', seed: 7 }));

test('the recipe in the PNG says what was made', async () => {
  const recipe = await page.evaluate(async () => {
    const made = await pipes.gpu.generate({ prompt: 'a red apple', seed: 9, steps: 2 });
    const blob = await made.blob(0);
    const bitmap = await createImageBitmap(blob);
    const { seed, ...rest } = await onelaunch.readRecipe(blob);
    return { ...rest, seed: String(seed), drawn: [bitmap.width, bitmap.height], type: blob.type };
  });
  assert.equal(recipe.prompt, 'a red apple');
  assert.equal(recipe.seed, '9');
  assert.equal(recipe.steps, 2);
  assert.deepEqual(recipe.drawn, [recipe.width, recipe.height]);
  assert.equal(recipe.type, 'image/png');
});

/** The native planner on the caps of the browser's device. */
function planned(caps, { steps }) {
  const file = join(folder, 'caps.json');
  writeFileSync(file, JSON.stringify(caps));
  // Built before: nobody waits for cargo's locks in the middle of a test.
  const args = [file, '--model', MODEL, '--steps', String(steps)];
  return JSON.parse(execFileSync(join(ROOT, 'target/release/examples/plan_for_caps'), args, { maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] }));
}

test('kernels, dispatches and submits are those of the native planner for this device', async () => {
  const request = { prompt: 'a red apple', seed: 7, steps: 3 };
  const got = await page.evaluate(async (request) => {
    const { caps } = await load('fresh', { backend: 'webgpu' });
    const listed = await pipes.fresh.debug.kernels(request);
    const { backend, adapter, timings, images } = await make('fresh', { ...request, whole: true });
    return { caps, listed, made: { backend, adapter, timings, images } };
  }, request);
  isGpu(got.made);
  const want = planned(got.caps, request);
  assert.ok(want.kernels.length > 100, 'a list of a whole network is long');
  assert.deepEqual(got.listed.kernels, want.kernels);
  assert.equal(got.made.timings.dispatches, want.dispatches);
  assert.equal(got.listed.dispatches, want.dispatches);
  assert.equal(got.made.timings.submits, want.submits);
});
