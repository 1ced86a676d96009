// A device that is lost while it makes a picture, and everything working again afterwards.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pixelsOf } from './lib/demo.mjs';
import { failedAs, isGpu, isPicture, session, worked } from './lib/session.mjs';

const ASKED = { prompt: 'a red apple', seed: 7 };
const { browser, page } = await session();

await page.evaluate(() => {
  const canvas = document.body.appendChild(document.createElement('canvas'));
  canvas.id = 'canvas';
});

/** Begins a long picture on the canvas; resolves when its second step is done, with the promise of its end kept in the page. */
const begin = () => page.evaluate(async (asked) => {
  await new Promise((resolve) => {
    const canvas = document.getElementById('canvas');
    globalThis.ending = outcome(() => make('pipe', { ...asked, steps: 60, canvas, onStep: ({ step }) => step === 2 && resolve() }));
    globalThis.ending.then(resolve);
  });
}, ASKED);

/** The picture again, with a new load, on the same canvas. */
async function again() {
  const made = worked(await page.evaluate((asked) => outcome(async () => {
    await load('pipe', { backend: 'webgpu' });
    return make('pipe', { ...asked, steps: 2, canvas: document.getElementById('canvas') });
  }), ASKED));
  isGpu(made);
  isPicture(await pixelsOf(page, '#canvas'));
  return made;
}

const before = await again();

test('destroy() in the middle of a picture', async () => {
  await begin();
  await page.evaluate(() => pipes.pipe.debug.destroyDevice());
  failedAs(await page.evaluate(() => globalThis.ending), 'DeviceLost');
  const next = await page.evaluate((asked) => outcome(() => make('pipe', asked)), ASKED);
  failedAs(next, 'DeviceLost', /load/i);
  assert.equal((await again()).images[0].rgba, before.images[0].rgba);
});

test('the GPU process crashes in the middle of a picture', async () => {
  await begin();
  const session = await browser.newBrowserCDPSession();
  // It answers when the process is gone, or not at all.
  session.send('Browser.crashGpuProcess').catch(() => {});
  failedAs(await page.evaluate(() => globalThis.ending), 'DeviceLost');
  assert.equal((await again()).images[0].rgba, before.images[0].rgba);
});

test('a pipeline beside the lost one goes on', async () => {
  const got = await page.evaluate(async (asked) => {
    await load('other', { backend: 'webgpu' });
    const both = [outcome(() => make('other', { ...asked, steps: 40 })), outcome(() => make('pipe', { ...asked, steps: 2 }))];
    await pipes.other.debug.destroyDevice();
    return Promise.all(both);
  }, ASKED);
  failedAs(got[0], 'DeviceLost');
  isGpu(worked(got[1]));
});
