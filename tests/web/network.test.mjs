// Weights from hosts of every kind: all of them give the same picture, or an error that says what to do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badHost, filesOf, isWeights } from './lib/host.mjs';
import { ends, failedAs, isCpu, session, worked } from './lib/session.mjs';
import { otherWeights } from './lib/spoil.mjs';
import { MODEL } from './lib/where.mjs';

const { page } = await session();
const host = ends(await badHost());
const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';
const files = filesOf(MODEL);
const other = otherWeights(files.get(TRANSFORMER));

/** Loads from there and makes a picture; nothing is kept from one test to the next. */
const from = (url, options = {}) => page.evaluate(async ([url, options]) => {
  const progress = [];
  const got = await outcome(async () => {
    const loaded = await load('net', { backend: 'cpu', onProgress: (p) => progress.push(p), ...options }, url);
    const made = await make('net', { prompt: 'a red apple', seed: 7, steps: 2 });
    return { loaded, made };
  });
  pipes.net?.free();
  return { ...got, progress };
}, [url, options]);

const picture = async (url, options) => {
  const got = await from(url, options);
  const { made } = worked(got);
  isCpu(made);
  return made.images[0].rgba;
};
const right = await picture(host.add().url);
const changed = await picture(host.add({ files: new Map([...files, [TRANSFORMER, other]]) }).url);
assert.notEqual(right, changed, 'the other weights must make another picture');

const KINDS = {
  'ignores ranges': { ranges: false },
  'hides headers': { expose: false },
  'has no ETag and no date': { validators: false },
  'redirects to addresses that work once': { redirect: true },
  'redirects, ignores ranges and hides headers': { redirect: true, ranges: false, expose: false },
  'cuts bodies': { cut: 3 << 20 },
  'cuts bodies, redirects and hides headers': { cut: 3 << 20, redirect: true, expose: false },
  'cuts bodies once and ignores ranges': { cut: 3 << 20, cuts: 1, ranges: false },
};

for (const [what, habits] of Object.entries(KINDS)) {
  test(`a host that ${what}`, async () => {
    const model = host.add(habits);
    assert.equal(await picture(model.url), right);
    assert.equal(model.preflights, 0, 'a request needed a preflight');
    // Cut bodies are picked up, not begun again; only a host that ignores ranges sends twice what was there.
    const most = model.weightBytes * (habits.cut && habits.ranges === false ? 2.1 : 1.1) + (1 << 20);
    assert.ok(model.weightsSent <= most, `${model.weightsSent} bytes sent of ${model.weightBytes}`);
    if (habits.cut) assert.ok(model.cutCount.get(TRANSFORMER) > 0, 'nothing was cut: the test sees nothing');
  });
}

test('a host that cuts every body at once gives a Download error', async () => {
  const model = host.add({ cut: 128 << 10, swap: (path, n) => (isWeights(path) && n > 8 ? { bytes: Buffer.alloc(0) } : undefined) });
  const got = await from(model.url);
  assert.ok(['Download', 'BadModel'].includes(got.error?.name), JSON.stringify(got.error));
});

for (const [what, habits] of Object.entries({ 'with an ETag': {}, 'whose ETag is hidden': { expose: false } })) {
  test(`a file ${what} that is replaced after its header was read is read anew`, async () => {
    const swap = (path, n) => (path === TRANSFORMER && n > 1 ? { bytes: other, version: '2' } : undefined);
    assert.equal(await picture(host.add({ ...habits, swap }).url), changed);
  });

  test(`a file ${what} that is another one each time is refused`, async () => {
    const swap = (path, n) => (path === TRANSFORMER ? { bytes: n % 2 ? files.get(path) : other, version: String(n) } : undefined);
    failedAs(await from(host.add({ ...habits, swap, cut: 3 << 20 }).url), 'Download', /replaced|changed/);
  });
}

test('progress counts bytes up to the sum, and names phases', async () => {
  const model = host.add();
  const got = await from(model.url);
  worked(got);
  const download = got.progress.filter((p) => p.phase === 'download');
  assert.ok(download.length > 1 && download.every((p, i) => i === 0 || p.loaded >= download[i - 1].loaded), 'bytes go up');
  assert.equal(download.at(-1).loaded, download.at(-1).total);
  assert.ok(got.progress.some((p) => p.phase === 'weights'));
});

test('the plan tells the bytes of the download, and reads no weight', async () => {
  const model = host.add();
  const plan = await page.evaluate((url) => onelaunch.Pipeline.plan(url, { backend: 'cpu' }), model.url);
  assert.ok(model.weightsSent < 1 << 20, `${model.weightsSent} bytes of weights were read for a plan`);
  assert.ok(plan.download > 0.8 * model.weightBytes && plan.download <= model.weightBytes, `${plan.download} of ${model.weightBytes}`);
  assert.ok(plan.fits && plan.memory.total > plan.download);
});

test('a plan above maxBytes is refused before the download, with the numbers', async () => {
  const model = host.add();
  const got = await from(model.url, { maxBytes: 10_000_000 });
  failedAs(got, 'TooLarge', /\d/);
  assert.ok(got.error.needed > got.error.limit && got.error.limit === 10_000_000, JSON.stringify(got.error));
  assert.ok(model.weightsSent < 1 << 20, 'weights were downloaded');
});

test('no host, and no model there', async () => {
  failedAs(await from('http://localhost:9/'), 'Download');
  failedAs(await from(`${host.add({ files: new Map() }).url}`), 'BadModel', /model_index/);
});
