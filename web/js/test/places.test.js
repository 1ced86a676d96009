import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describe } from '../source/describe.js';
import { readDrop } from '../source/drop.js';
import { modelRoot } from '../source/folder.js';
import { add, isRepository, nextPage, resolveUrl, tree } from '../source/hub.js';
import { fileUrl } from '../source/place.js';
import { smallFiles } from '../source/small.js';
import { entry, host } from './fakes.js';

const HERE = 'https://site/app/';
const fails = (promise, name, words) => assert.rejects(promise, (e) => e.name === name && words.test(e.message));

test('addresses and names', async () => {
  const is = async (source, options, want) => assert.deepEqual(await describe(source, options, HERE), want);
  await is('./models/emoji-mini', {}, { kind: 'url', url: 'https://site/app/models/emoji-mini/' });
  await is('https://h/m/model_index.json?t=1#x', {}, { kind: 'url', url: 'https://h/m/?t=1' });
  await is(new URL('https://h'), {}, { kind: 'url', url: 'https://h/' });
  await is('org/name-1.5', {}, { kind: 'hub', name: 'org/name-1.5', base: 'https://huggingface.co', revision: 'main' });
  await is('org/name', { baseUrl: '/mirror/', revision: 'refs/pr/1' }, { kind: 'hub', name: 'org/name', base: 'https://site/mirror', revision: 'refs/pr/1' });
  await is('https://huggingface.co/org/name', {}, { kind: 'hub', name: 'org/name', base: 'https://huggingface.co', revision: 'main' });
  await is('https://huggingface.co/org/name/tree/v2', {}, { kind: 'hub', name: 'org/name', base: 'https://huggingface.co', revision: 'v2' });
  for (const wrong of ['file:///x', 7, null, {}]) await fails(describe(wrong, {}, HERE), 'BadRequest', /./);
  assert.ok(!isRepository('./a/b') && !isRepository('a/b/c') && !isRepository('a') && !isRepository('/a/b') && isRepository('a/b'));
});

test('files are behind the folder and its query', () => {
  assert.equal(fileUrl('https://h/m/?token=1', 'vae/a b.json'), 'https://h/m/vae/a%20b.json?token=1');
  assert.equal(resolveUrl('https://h/', 'o/n', 'refs/pr/1', 'vae/x.json'), 'https://h/o/n/resolve/refs%2Fpr%2F1/vae/x.json');
});

test('the hub lists its files page by page', async () => {
  const page = new TextEncoder().encode(JSON.stringify([
    { type: 'directory', path: 'vae' },
    { type: 'file', path: 'vae/config.json', oid: 'g1', size: 10 },
    { type: 'file', path: 'vae/x.safetensors', oid: 'pointer', size: 1000, lfs: { oid: 's1', size: 1000, pointerSize: 130 } },
  ]));
  const net = host({ 'api/models/o/n/tree/main': page });
  const { files } = await tree(net.http, 'http://h', 'o/n', 'main');
  assert.deepEqual([...files], [['vae/config.json', { oid: 'g1', size: 10 }], ['vae/x.safetensors', { oid: 's1', size: 1000 }]]);
  assert.deepEqual(net.asked, ['/api/models/o/n/tree/main']);
  assert.equal(nextPage('<https://h/api?cursor=2>; rel="next"', 'https://h/api'), 'https://h/api?cursor=2');
  assert.equal(nextPage('<https://other/api>; rel="next"', 'https://h/api'), null);
  assert.equal(nextPage(null, 'https://h/api'), null);
  const strange = new Map();
  add(strange, [null, 5, { type: 'file' }, { type: 'file', path: 'a', size: 'x' }]);
  assert.deepEqual([...strange], [['a', {}]]);
});

test('a hub without a list has its known names tried; a closed one says so', async () => {
  assert.equal(await tree(host({}).http, 'http://h', 'o/n', 'main'), null);
  assert.equal(await tree(host({ 'api/models/o/n/tree/main': new TextEncoder().encode('<html>') }).http, 'http://h', 'o/n', 'main'), null);
  await fails(tree(host({}, { status: () => 401 }).http, 'http://h', 'o/n', 'main'), 'Download', /o\/n on http:\/\/h.*401/);
});

test('small files that a model names', () => {
  const index = { _class_name: 'P', vae: ['onelaunch', 'A'], tokenizer: ['t', 'T'], scheduler: ['d', 'S'], unet: [null, null], '../x': ['a', 'b'], safety_checker: ['s', 'C'] };
  assert.deepEqual(smallFiles(new TextEncoder().encode(JSON.stringify(index))), [
    'vae/config.json', 'tokenizer/tokenizer.json', 'tokenizer/tokenizer_config.json', 'scheduler/scheduler_config.json',
  ]);
  assert.deepEqual(smallFiles(new TextEncoder().encode('{')), []);
});

test('the model in what was given', () => {
  const of = (...paths) => modelRoot(new Map(paths.map((path) => [path, path])));
  assert.deepEqual(of('m/model_index.json', 'm/vae/c.json', 'other/x'), { name: 'm', files: new Map([['model_index.json', 'm/model_index.json'], ['vae/c.json', 'm/vae/c.json']]) });
  assert.equal(of('model_index.json').name, 'local files');
  assert.equal(of('a/b/model_index.json', 'a/b/old/model_index.json').name, 'b');
  assert.throws(() => of('a.safetensors'), /no model_index.json among the 1 files/);
  assert.throws(() => of('a/model_index.json', 'b/model_index.json'), /more than one model/);
});

test('a drop is read in its event, to the last entry', async () => {
  const many = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`${i}.txt`, 'x']));
  let alive = true;
  const item = (name, inside) => ({ kind: 'file', webkitGetAsEntry: () => (alive ? entry(name, inside) : null), getAsFile: () => null });
  const drop = [item('m', { 'model_index.json': '{}', vae: { 'config.json': '{}', deep: many }, '.git': { HEAD: 'x' } }), { kind: 'string' }, item('loose.txt', 'x')];
  const reading = readDrop(drop);
  alive = false;
  const files = await reading;
  assert.equal(files.size, 253);
  assert.ok(files.has('m/vae/deep/249.txt') && files.has('m/vae/config.json') && files.has('loose.txt') && !files.has('m/.git/HEAD'));
  await fails(readDrop(drop), 'BadRequest', /call Pipeline.load in the drop event/);
  alive = true;
  const place = await describe(drop, {}, HERE);
  assert.deepEqual([place.kind, place.name, place.files.has('vae/config.json')], ['files', 'm', true]);
});
