// The page's main thread: neither WebGPU nor wasm, no task that is longer than an idle page's, nothing from elsewhere; and where the time
// from navigation to pixels goes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchIn } from './lib/browser.mjs';
import { keep, open, press, serveDemo, watchers } from './lib/demo.mjs';
import { ends, until } from './lib/session.mjs';
import { scratch } from './lib/where.mjs';

const host = ends(await serveDemo({ pages: { '/idle': '<!doctype html><title>idle</title><p>An idle page.' } }));
const context = ends(await launchIn(scratch('thread')));
await context.addInitScript(watchers);
const addresses = new Set();
context.on('request', (request) => addresses.add(request.url()));
const HASH = '#prompt=a%20red%20apple&seed=7&steps=2';

/** What took more than 50 ms: scripts, or whole tasks. */
const long = (page, of = '__long') => page.evaluate((of) => globalThis[of].map(({ startTime, duration, invoker = '' }) => `${startTime.toFixed(0)}+${duration.toFixed(0)} ${invoker}`), of);

test('the traps see what they should', async () => {
  const idle = await context.newPage();
  await idle.goto(`${host.origin}/idle`);
  const seen = await idle.evaluate(async () => {
    WebAssembly.validate(new Uint8Array(4));
    new WebAssembly.Memory({ initial: 1 });
    await navigator.gpu?.requestAdapter();
    setTimeout(() => {
      const end = performance.now() + 120;
      while (performance.now() < end);
    });
    await new Promise((resolve) => setTimeout(resolve, 600));
    return { touched: globalThis.__touched.length, long: globalThis.__long.length };
  });
  assert.equal(seen.touched, 3);
  assert.ok(seen.long >= 1);
  await idle.close();
});

for (const backend of ['webgpu', 'cpu']) {
  test(`${backend}: no WebGPU and no wasm on the main thread, and no long task beyond an idle page's`, async () => {
    // A script that the scheduler left lying is long too, but not three times in a row.
    let { ours, control } = await scripts(backend);
    for (let again = 0; again < 2 && ours.length > control.length; again += 1) ({ ours, control } = await scripts(backend));
    assert.ok(ours.length <= control.length, `scripts (start + ms): ${ours.join(', ')}`);
  });
}

/** Long scripts of two pictures, and those of an idle page that is open while they are made, and as long. @param {string} backend */
async function scripts(backend) {
  const idle = await context.newPage();
  await idle.goto(`${host.origin}/idle`);
  const page = await context.newPage();
  await open(page, host.origin, { query: `?backend=${backend}`, hash: HASH });
  for (let i = 0; i < 2; i += 1) {
    const made = await press(page);
    assert.equal(made.state, 'ready', made.error);
    assert.equal(made.timings.backend, backend);
  }
  await page.waitForTimeout(300);
  const [ours, control] = [await long(page), await long(idle)];
  console.log(`    ${backend}: scripts over 50 ms: ${ours.join(', ') || 'none'}; of the idle page: ${control.join(', ') || 'none'}; tasks over 50 ms: ${(await long(page, '__tasks')).join(', ') || 'none'}`);
  assert.deepEqual(await page.evaluate(() => globalThis.__touched), []);
  await page.close();
  await idle.close();
  return { ours, control };
}

test('no request goes anywhere else', () => {
  const foreign = [...addresses].filter((url) => !url.startsWith(host.origin) && !/^(blob|data|about):/.test(url));
  assert.deepEqual(foreign, []);
  assert.ok([...addresses].some((url) => url.endsWith('.wasm')), 'requests of the worker are not seen');
});

for (const backend of ['webgpu', 'cpu']) {
  test(`${backend}: navigation to pixels on a warm cache`, async () => {
    // The visits before kept the model; this one finds everything here.
    const page = await context.newPage();
    await open(page, host.origin, { query: `?backend=${backend}`, hash: '#prompt=a%20red%20apple&seed=7' });
    await until('kept', () => page.evaluate(() => localStorage.getItem('onelaunch.kept') === '1').catch(() => false), 30_000);
    const { first } = await press(page);
    assert.equal(first.backend, backend);
    const parts = ['page', 'fetch', 'compile', 'waited', 'steps', 'decode'].map((name) => [name, first[name]]);
    const sum = parts.reduce((all, [, ms]) => all + ms, 0);
    console.log(`    ${backend}, 20 steps: ${parts.map(([name, ms]) => `${name} ${ms.toFixed(0)}`).join(', ')} ms, navigation to pixels ${first.total.toFixed(0)} ms`);
    keep(`pixels-${backend}`, first);
    assert.ok(Math.abs(sum - first.total) < 20, `the parts sum to ${sum}, the whole is ${first.total}`);
    for (const [name, ms] of parts) assert.ok(ms >= 0, `${name} took ${ms} ms`);
    assert.ok(first.steps > 0 && first.decode > 0 && first.compile >= 0);
    await page.close();
  });
}
