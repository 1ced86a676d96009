// Cancelling half-way, how soon it takes effect, and that work on the CPU leaves its worker able to listen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedAs, isCpu, isGpu, session, workersOf } from './lib/session.mjs';

/** ms for messages to the worker and back on a busy machine. */
const SLACK = 150;
const ASKED = { prompt: 'a red apple', seed: 7 };
const { page } = await session();

/** Stops a long picture when step 2 or a later one is told (a chunk may end behind several); ms from the abort to the rejection. */
const cancelled = (name) => page.evaluate(async ([name, asked]) => {
  const controller = new AbortController();
  let [at, step] = [0, 0];
  const onStep = (now) => {
    step = now.step;
    if (step >= 2 && !controller.signal.aborted) {
      at = performance.now();
      controller.abort();
    }
  };
  const got = await outcome(() => make(name, { ...asked, steps: 40, signal: controller.signal, onStep }));
  return { ...got, took: performance.now() - at, step };
}, [name, ASKED]);

for (const [backend, check] of [['webgpu', isGpu], ['cpu', isCpu]]) {
  test(`${backend}: cancelled half-way, then the same picture as before`, async () => {
    await page.evaluate((backend) => load(backend, { backend }), backend);
    const before = await page.evaluate(([name, asked]) => make(name, { ...asked, steps: 4, onStep: () => {} }), [backend, ASKED]);
    check(before);
    const got = await cancelled(backend);
    failedAs(got, 'Aborted');
    assert.ok(got.step < 20, `stopped at step ${got.step} of 40`);
    const { image, chunks } = before.timings;
    const allowed = backend === 'cpu' ? 200 : (2 * image * 1000) / Math.max(1, chunks) + SLACK;
    console.log(`    ${backend}: cancelled in ${got.took.toFixed(0)} ms, allowed ${allowed.toFixed(0)} ms (${chunks} chunks in ${image.toFixed(2)} s)`);
    assert.ok(got.took <= allowed, `took ${got.took} ms`);
    const again = await page.evaluate(([name, asked]) => make(name, { ...asked, steps: 4, onStep: () => {} }), [backend, ASKED]);
    check(again);
    const mean = (again.timings.image * 1000) / again.timings.chunks;
    assert.ok(mean <= 500, `chunks of ${mean.toFixed(0)} ms: their length should adapt to about 100 ms`);
    assert.equal(again.images[0].rgba, before.images[0].rgba, 'the picture after a cancelled one is another');
  });
}

test('webgpu, on a canvas: every step is told when it is done, with its preview', async () => {
  const got = await page.evaluate(async (asked) => {
    const canvas = document.body.appendChild(document.createElement('canvas'));
    const [steps, previews] = [new Set(), new Set()];
    const onStep = ({ step }) => steps.add(step);
    const onPreview = ({ step }) => previews.add(step);
    const made = await make('webgpu', { ...asked, steps: 6, canvas, onStep, onPreview });
    return { made, steps: [...steps], previews: previews.size };
  }, ASKED);
  isGpu(got.made);
  console.log(`    steps told: ${got.steps.join(' ')}; ${got.previews} previews; ${got.made.timings.chunks} chunks`);
  assert.ok(got.steps.filter((step) => step > 0 && step < 6).length >= 4, `of 6 steps these were told: ${got.steps.join(' ')}`);
  assert.ok(got.previews >= 3, `${got.previews} previews of 6 steps`);
});

test('a signal that is aborted already, and one that aborts while waiting', async () => {
  const got = await page.evaluate(async (asked) => {
    const waiting = new AbortController();
    const first = outcome(() => make('cpu', { ...asked, steps: 4 }));
    const second = outcome(() => make('cpu', { ...asked, signal: waiting.signal }));
    waiting.abort();
    return { early: await outcome(() => make('cpu', { ...asked, signal: AbortSignal.abort() })), second: await second, first: await first };
  }, ASKED);
  failedAs(got.early, 'Aborted');
  failedAs(got.second, 'Aborted');
  isCpu(got.first.value);
});

test('a load that is cancelled', async () => {
  const got = await page.evaluate(() => {
    const controller = new AbortController();
    const onProgress = ({ phase }) => phase !== 'compile' && controller.abort();
    return outcome(() => load('stopped', { backend: 'cpu', signal: controller.signal, onProgress }));
  });
  failedAs(got, 'Aborted');
});

test('cpu: work is done in slices of at most 50 ms', async () => {
  await page.evaluate(() => Object.values(pipes).forEach((pipe) => pipe.free()));
  await page.waitForFunction(() => true);
  await page.evaluate(() => load('sliced', { backend: 'cpu' }));
  const worker = workersOf(page).at(-1);
  // Messages to itself: what lies between two of them is one slice of whatever else the worker does.
  await worker.evaluate(() => {
    const { port1, port2 } = new MessageChannel();
    const probe = { long: [], turns: 0, on: true };
    let last = performance.now();
    port1.onmessage = () => {
      const now = performance.now();
      probe.turns += 1;
      if (now - last > 1) probe.long.push(now - last);
      last = now;
      if (probe.on) port2.postMessage(0);
    };
    globalThis.probe = probe;
    port2.postMessage(0);
  });
  isCpu(await page.evaluate((asked) => make('sliced', { ...asked, steps: 4 }), ASKED));
  const { long, turns } = await worker.evaluate(() => {
    probe.on = false;
    return probe;
  });
  long.sort((a, b) => b - a);
  console.log(`    slices: ${turns} turns, ${long.length} over 1 ms, longest ${long.slice(0, 5).map((ms) => ms.toFixed(0)).join(' ')} ms`);
  assert.ok(long.length > 20, 'the picture was not made in this worker: the test sees nothing');
  // The scheduler may take the processor away from a slice or two.
  assert.ok((long[2] ?? 0) <= 50, `three slices of ${long[2]} ms or more`);
});
