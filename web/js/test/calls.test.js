import assert from 'node:assert/strict';
import { test } from 'node:test';

import { OnelaunchError, Pipeline } from '../index.js';
import { pack, typed, unpack } from '../source/errors.js';
import { steady } from '../source/events.js';
import { isPhone, optionsOf, progressOf } from '../source/options.js';
import { requestOf, seedOf } from '../source/request.js';

test('the package does nothing where it is only imported, and says what it needs', async () => {
  await assert.rejects(Pipeline.load('org/name'), (e) => e instanceof OnelaunchError && e.name === 'Unsupported');
  await assert.rejects(Pipeline.load('org/name', { signal: AbortSignal.abort() }), (e) => e.name === 'Aborted');
});

test('errors keep their type on the way to the page', () => {
  const thrown = Object.assign(new Error('8 GB needed'), { name: 'OutOfMemory', needed: 8e9, free: 1e9, other: 1 });
  const error = unpack(structuredClone(pack(thrown)));
  assert.ok(error instanceof OnelaunchError && error instanceof Error);
  assert.deepEqual([error.name, error.message, error.needed, error.free, 'other' in error], ['OutOfMemory', '8 GB needed', 8e9, 1e9, false]);
  assert.equal(typed(new DOMException('x', 'AbortError')).name, 'Aborted');
  const trap = typed(new WebAssembly.RuntimeError('unreachable'));
  assert.equal(trap.name, 'Internal');
  assert.match(trap.message, /RuntimeError: unreachable; load the pipeline again/);
  assert.equal(typed('text').message.slice(0, 5), 'text;');
});

test('requests', () => {
  const request = requestOf({ prompt: 'a', seed: 7, steps: 4, width: null, onStep() {}, canvas: {} });
  assert.deepEqual(request, { prompt: 'a', negative: '', steps: 4, seed: 7n, watched: true, previews: true, bitmaps: true });
  assert.equal(requestOf({ prompt: 'a' }).watched, false);
  for (const wrong of [null, {}, { prompt: 1 }, { prompt: 'a', step: 1 }]) assert.throws(() => requestOf(wrong), { name: 'BadRequest' });
  assert.equal(seedOf('18446744073709551615'), 2n ** 64n - 1n);
  for (const wrong of [-1, 1.5, 2n ** 64n, 2 ** 53, 'x', NaN]) assert.throws(() => seedOf(wrong), { name: 'BadRequest' });
  assert.ok(seedOf(undefined) < 2n ** 32n);
});

test('options', () => {
  assert.deepEqual(optionsOf({ maxBytes: undefined }), { backend: 'auto' });
  assert.deepEqual(optionsOf({ backend: 'cpu', precision: 'f16', maxBytes: 5 }), { backend: 'cpu', precision: 'f16', maxBytes: 5 });
  for (const wrong of [{ backend: 'gpu' }, { precision: 'f8' }]) assert.throws(() => optionsOf(wrong), { name: 'BadRequest' });
  assert.ok(isPhone({ userAgentData: { mobile: true } }) && isPhone({ userAgent: 'Mozilla/5.0 (iPhone; …' }) && !isPhone({ userAgent: 'X11; Linux' }) && !isPhone(undefined));
});

test('progress is steady, and its end always comes', () => {
  const heard = [];
  const tell = progressOf({ onProgress: (p) => heard.push(p) });
  const event = steady(tell);
  for (let loaded = 1; loaded <= 999; loaded += 1) event({ type: 'download', loaded, total: 1000, file: 'f' });
  assert.ok(heard.length < 900);
  event.flush();
  assert.deepEqual(heard.at(-1), { phase: 'download', loaded: 999, total: 1000, file: 'f' });
  event({ type: 'kernels', done: 3, total: 3 });
  assert.deepEqual(heard.at(-1), { phase: 'compile', loaded: 3, total: 3 });
});
