// The demo page as a person uses it, with WebGPU forced, at the width of a desk and of a phone.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { launch } from './lib/browser.mjs';
import { UNDER, open, pixelsOf, press, serveDemo, shoot, state } from './lib/demo.mjs';
import { readPng } from './lib/pictures.mjs';
import { ends, isPicture } from './lib/session.mjs';

const host = ends(await serveDemo());
const browser = ends(await launch());
const HASH = '#prompt=a%20red%20apple&seed=7&steps=3';
const desk = await browser.newContext({ viewport: { width: 1280, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'] });
const errors = [];
async function newPage(context) {
  const page = await context.newPage();
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  return page;
}
const page = await newPage(desk);
const value = (id) => page.inputValue(`#${id}`);

test('a link fills the form, and the size of the download is told before it starts', async () => {
  assert.equal(await open(page, host.origin, { query: '?backend=webgpu', hash: HASH }), 'ready');
  assert.deepEqual([await value('prompt'), await value('seed'), await value('steps')], ['a red apple', '7', '3']);
  assert.match(await page.textContent('#size'), /\d+(\.\d+)?\s*MB/);
  const read = host.requests.filter(({ path, range }) => path.endsWith('.safetensors') && !/^bytes=0-/.test(range ?? ''));
  assert.deepEqual(read, [], 'weights were read before anybody asked for a picture');
  await shoot(page, 'desktop-ready');
});

test('a picture: progress, canvas, receipt, strip', async () => {
  const { state: now, status, error, timings } = await press(page);
  assert.equal(now, 'ready', error);
  assert.match(status, /Done/);
  assert.equal(timings.backend, 'webgpu');
  assert.ok(timings.native.submits > 0 && timings.native.dispatches > 0);
  isPicture(await pixelsOf(page, '#canvas'));
  assert.match(await page.textContent('#backend'), /WebGPU/);
  assert.match(await page.textContent('#receipt'), /compile.*steps.*decode.*memory planned/s);
  assert.equal(await page.locator('#strip button').count(), 1);
  for (const id of ['progress-download', 'progress-compile', 'progress-steps']) assert.equal(await page.locator(`#${id}`).count(), 1);
  await shoot(page, 'desktop-picture');
});

test('the PNG that is downloaded is the picture, with its recipe', async () => {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
  const png = readFileSync(await download.path());
  assert.match(download.suggestedFilename(), /red-apple.*\.png$/);
  const { width, height, rgba } = readPng(png);
  isPicture({ width, height, rgba: rgba.toString('base64') });
  assert.match(png.toString('latin1'), /red apple/);
});

test('dice, another picture, and the strip brings the first one back', async () => {
  await page.click('#dice');
  assert.notEqual(await value('seed'), '7');
  await page.fill('#prompt', 'golden bell');
  await page.fill('#steps', '2');
  assert.equal((await press(page)).state, 'ready');
  const second = await pixelsOf(page, '#canvas');
  assert.match(page.url(), /golden/, 'the address is a link to the picture');
  await page.locator('#strip button').last().click();
  await page.waitForFunction(() => document.getElementById('seed').value === '7');
  assert.deepEqual([await value('prompt'), await value('steps')], ['a red apple', '3']);
  assert.notEqual((await pixelsOf(page, '#canvas')).rgba, second.rgba, 'the canvas still shows the other picture');
});

test('a live preview is on the canvas while it denoises, and cancel stops it', async () => {
  await page.fill('#steps', '60');
  await page.click('#generate');
  await state(page, 'making');
  await page.waitForFunction(() => document.getElementById('progress-steps').value >= 1, null, { timeout: 120_000 });
  // Not a screenshot: the browser has no time for one while its software GPU computes.
  const { width, height, rgba } = await page.evaluate(() => {
    const canvas = document.getElementById('canvas');
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return { width: canvas.width, height: canvas.height, rgba: [...copy.getImageData(0, 0, canvas.width, canvas.height).data] };
  });
  isPicture({ width, height, rgba: Buffer.from(rgba).toString('base64') });
  assert.ok(await page.isVisible('#cancel'));
  await page.click('#cancel');
  await state(page, ['ready', 'error'], 10_000);
  assert.match(await page.textContent('#status'), /Stopped/);
  await page.fill('#steps', '1');
  assert.equal((await press(page)).state, 'ready', 'after a cancel the next picture works');
});

test('the keyboard alone: from the prompt to the picture', async () => {
  await page.focus('#prompt');
  await page.keyboard.press('Enter');
  await state(page, 'making');
  await state(page, 'ready', 120_000);
});

test('every control has a name, and every picture a text', async () => {
  const session = await desk.newCDPSession(page);
  await session.send('Accessibility.enable');
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const roles = ['button', 'textbox', 'combobox', 'spinbutton', 'checkbox', 'link', 'image', 'img', 'progressbar', 'region', 'form'];
  const found = nodes.filter((node) => !node.ignored && roles.includes(node.role?.value));
  assert.ok(found.filter((node) => node.role.value === 'button').length > 5, 'the tree is not that of the page');
  assert.deepEqual(found.filter((node) => !node.name?.value?.trim()).map((node) => `${node.role.value} ${node.backendDOMNodeId}`), []);
  const page1 = await page.evaluate(() => ({ lang: document.documentElement.lang, h1: document.querySelectorAll('h1').length, title: document.title,
    live: document.querySelectorAll('[role=status], [role=alert]').length, ids: [...document.querySelectorAll('[id]')].map((e) => e.id) }));
  assert.ok(page1.lang && page1.title && page1.h1 === 1 && page1.live >= 2, JSON.stringify(page1));
  assert.equal(new Set(page1.ids).size, page1.ids.length, 'an id is there twice');
});

for (const scheme of ['light', 'dark']) {
  test(`a phone, ${scheme}`, async () => {
    const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: scheme });
    const small = await newPage(phone);
    assert.equal(await open(small, host.origin, { query: '?backend=cpu', hash: '#prompt=blue%20cat%20face&seed=3&steps=8' }), 'ready');
    await shoot(small, `phone-${scheme}-ready`);
    assert.equal((await press(small)).state, 'ready');
    assert.match(await small.textContent('#backend'), /CPU/);
    await shoot(small, `phone-${scheme}-picture`);
    const wide = await small.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `the page is ${wide} pixels wider than the phone`);
    await phone.close();
  });
}

test('a model that is not there is an error with a way on', async () => {
  await page.fill('#model-source', `${host.origin}${UNDER}nothing/`);
  await page.click('#model-use');
  await state(page, 'error');
  const { pressable, text } = await page.evaluate(() => {
    const error = document.getElementById('error');
    return { text: error.textContent, pressable: error.querySelectorAll('button').length };
  });
  assert.match(text, /model_index\.json|model/);
  assert.ok(pressable > 0, 'a dead end');
  await shoot(page, 'desktop-error');
  errors.length = 0;
});

test('nothing went to the console as an error', () => assert.deepEqual(errors, []));
