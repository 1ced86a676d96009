// A folder that is dropped on the demo page from outside the browser, by the events Chromium makes of such a drop.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch } from './lib/browser.mjs';
import { open, press, serveDemo, shoot, state } from './lib/demo.mjs';
import { isWeights } from './lib/host.mjs';
import { ends, isPicture, until } from './lib/session.mjs';
import { MODEL, scratch } from './lib/where.mjs';

const folders = scratch('drop');
// Not the name of the model that ships: the page must tell which one it has.
const model = join(folders, 'my-stickers');
cpSync(MODEL, model, { recursive: true });
const notes = join(folders, 'my-notes');
mkdirSync(notes);
writeFileSync(join(notes, 'shopping.txt'), 'milk, eggs');

const host = ends(await serveDemo());
const browser = ends(await launch({ webgpu: false }));
const page = await browser.newPage();
const session = await page.context().newCDPSession(page);
const weights = () => host.requests.filter(({ path }) => isWeights(path)).length;

/** Moves `paths` of the disk over the page and lets them go there. */
async function drop(...paths) {
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver']) await session.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
  assert.ok(await page.isVisible('#dropzone'), 'the page does not say that it takes a drop');
  await session.send('Input.dispatchDragEvent', { type: 'drop', x: 200, y: 200, data });
  assert.ok(await page.isHidden('#dropzone'));
}

/** The error of a drop that is no model, with what to do. */
async function isRefused() {
  await state(page, 'error');
  const { name, text, ways } = await page.evaluate(() => {
    const error = document.getElementById('error');
    return { name: error.dataset.name, text: error.textContent, ways: [...error.querySelectorAll('button')].map((button) => button.textContent) };
  });
  assert.equal(name, 'BadModel');
  assert.match(text, /model_index\.json/);
  assert.ok(ways.includes('Choose another model'), ways.join(', '));
}

/** Makes a picture and says that it is the right one. */
async function makes() {
  const made = await press(page);
  assert.equal(made.state, 'ready', made.error);
  assert.ok(await page.isHidden('#error'));
  assert.ok((await shown()).rgba === right.rgba, 'another picture than before the drop');
}

/** What is on the canvas: not a screenshot, which has what the page lays over it. */
const shown = () => page.evaluate(() => {
  const canvas = document.getElementById('canvas');
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
  copy.drawImage(canvas, 0, 0);
  const { width, height, data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return { width, height, rgba: btoa(String.fromCharCode(...data)) };
});
const named = (name) => until(name, () => page.evaluate((name) => document.getElementById('model-name').textContent === name, name));

let right;

test('the model that ships makes a picture first', async () => {
  assert.equal(await open(page, host.origin, { query: '?backend=cpu', hash: '#prompt=a%20red%20apple&seed=7&steps=2' }), 'ready');
  // The same settings again are the same picture.
  await page.uncheck('#fresh');
  assert.equal((await press(page)).state, 'ready');
  right = await shown();
  isPicture(right);
});

test('a folder without a model is refused, and the model that ships makes pictures on', async () => {
  await drop(notes);
  await isRefused();
  await shoot(page, 'drop-refused');
  await named('emoji-mini');
  await makes();
});

test('a model\'s folder is taken, named, and read from the disk', async () => {
  const before = weights();
  await drop(model);
  await named('my-stickers');
  await state(page, ['ready', 'error']);
  assert.match(await page.textContent('#size'), /from your folder/);
  // Another model brings its own defaults.
  await page.fill('#steps', '2');
  await makes();
  assert.equal(weights(), before, 'weights came from the host');
  await shoot(page, 'drop-taken');
});

test('a folder without a model leaves the dropped one in use', async () => {
  await drop(notes);
  await isRefused();
  await named('my-stickers');
  await until('its size', async () => /from your folder/.test(await page.textContent('#size')));
  await makes();
});

test('a drop while a picture is made ends it, and its error is seen', async () => {
  await page.fill('#steps', '200');
  await page.click('#generate');
  await state(page, 'making');
  await page.waitForFunction(() => document.getElementById('progress-steps').value >= 1);
  await drop(notes);
  await isRefused();
  await page.fill('#steps', '2');
  await makes();
});
