// Weights with something wrong in them: a named error, and nothing of them is used.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badHost, filesOf } from './lib/host.mjs';
import { ends, failedAs, isCpu, session, worked } from './lib/session.mjs';
import { headerOf, withHeader } from './lib/spoil.mjs';
import { MODEL } from './lib/where.mjs';

const { page } = await session();
const host = ends(await badHost());
const PATH = 'transformer/diffusion_pytorch_model.safetensors';
const files = filesOf(MODEL);
const good = files.get(PATH);
const someName = Object.keys(headerOf(good).header).find((name) => /ff\.net.*weight/.test(name));

const load = (bytes, habits = {}) => {
  const { url } = host.add({ files: new Map([...files, [PATH, bytes]]), ...habits });
  return page.evaluate(([url]) => outcome(async () => {
    await load('bad', { backend: 'cpu' }, url);
    return make('bad', { prompt: 'a red apple', seed: 7, steps: 1 });
  }), [url]);
};

const garbage = Buffer.from(good);
garbage.write('}{', 20);
const huge = Buffer.from(good);
huge.writeBigUInt64LE(1n << 60n, 0);
const SPOILT = {
  'a header that is no JSON': garbage,
  'a header of 2^60 bytes': huge,
  'a file of four bytes': good.subarray(0, 4),
  'an empty file': Buffer.alloc(0),
  'a file that ends before its header does': good.subarray(0, 1000),
  'a file that is shorter than its header says': good.subarray(0, good.length - 4096),
  'a file that is longer than its header says': Buffer.concat([good, Buffer.alloc(4096)]),
  'a tensor of another shape': withHeader(good, (header) => header[someName].shape.reverse()),
  'a tensor that is missing': withHeader(good, (header) => { header.nobody = header[someName]; delete header[someName]; }),
  'a tensor of another type': withHeader(good, (header) => { header[someName].dtype = 'I16'; }),
  'tensors that overlap': withHeader(good, (header) => { header[someName].data_offsets[0] -= 2; }),
};

for (const [what, bytes] of Object.entries(SPOILT)) {
  for (const ranges of [true, false]) {
    test(`${what}${ranges ? '' : ', from a host without ranges'}`, async () => {
      failedAs(await load(bytes, { ranges }), 'BadModel');
    });
  }
}

test('a config that is no JSON, and a tokenizer that is none', async () => {
  for (const path of ['transformer/config.json', 'tokenizer/tokenizer.json', 'model_index.json']) {
    const { url } = host.add({ files: new Map([...files, [path, Buffer.from('{"a":')]]) });
    failedAs(await page.evaluate((url) => outcome(() => load('bad', { backend: 'cpu' }, url)), url), 'BadModel', new RegExp(path.split('/').at(-1).replace('.', '\\.')));
  }
});

test('after all of them the good model works', async () => {
  isCpu(worked(await load(good)));
  assert.ok(true);
});
