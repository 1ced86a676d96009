import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LocalFile, RemoteFile } from '../source/file.js';
import { head } from '../source/head.js';
import { host, safetensors, shelf } from './fakes.js';

const URL_ = 'http://h/x.safetensors';
const FILE = safetensors({ a: 150_000, b: 90_000, c: 7 });

async function open(options = {}, kept = shelf(), file = FILE) {
  const net = host({ 'x.safetensors': file }, options);
  const top = await head(net.http, URL_);
  return { ...net, top, kept, file: new RemoteFile(net.http, URL_, 'x.safetensors', top, null, kept, {}) };
}

/** All of a file in pieces, ascending. */
async function all(file, start = file.header.length, piece = 40_000) {
  const parts = [];
  for (let at = start; at < FILE.length; at += piece) parts.push(Buffer.from(await file.read(at, Math.min(FILE.length, at + piece))));
  return Buffer.concat(parts);
}

const data = (file) => Buffer.from(FILE.subarray(file.header.length));
const fails = (promise, name, words) => assert.rejects(promise, (e) => e.name === name && words.test(e.message));

for (const ranges of [true, false]) {
  for (const keeps of [true, false]) {
    test(`one pass over the network: ranges ${ranges}, kept ${keeps}`, async () => {
      const { file, kept, asked } = await open({ ranges }, shelf({ keeps }));
      assert.deepEqual(await all(file), data(file));
      if (keeps) assert.deepEqual(Buffer.from(kept.bytes), Buffer.from(FILE));
      assert.equal(file.complete, keeps);
      // The header and the rest, or all at once.
      assert.equal(asked.length, ranges ? 2 : 1);
      assert.equal(kept.seen.at(-1), FILE.length);
      for (const line of asked) assert.match(line, /^\/x.safetensors bytes=\d+-\d+$/);
    });

    test(`cuts are picked up: ranges ${ranges}, kept ${keeps}`, async () => {
      const cut = (n) => (ranges ? (n > 1 && n < 6 ? 30_500 : Infinity) : n < 6 ? 40_500 * n : Infinity);
      const { file, kept, pauses } = await open({ ranges, cut }, shelf({ keeps }));
      assert.deepEqual(await all(file), data(file));
      if (keeps) assert.deepEqual(Buffer.from(kept.bytes), Buffer.from(FILE));
      assert.ok(pauses.length >= 4 && pauses.every((ms) => ms === 250), 'progress starts the pauses again');
    });
  }

  test(`longer and shorter than the header says: ranges ${ranges}`, async () => {
    const longer = await open({ ranges }, shelf(), Buffer.concat([FILE, Buffer.from('more')]));
    await fails(all(longer.file), 'BadModel', /longer than its header says/);
    assert.ok(longer.kept.lost, 'what was kept of it is gone');
    const shorter = await open({ ranges }, shelf(), FILE.subarray(0, FILE.length - 3));
    await fails(all(shorter.file), 'BadModel', /ends after \d+ bytes, and its header says \d+/);
    assert.equal(shorter.file.complete, false);
  });
}

test('a host that cuts without end is given up, and what came is kept', async () => {
  const { file, kept, pauses } = await open({ cut: (n) => (n === 1 ? Infinity : 6000) });
  const stuck = await open({ away: (n) => n > 1 });
  assert.deepEqual(await all(file), data(file), 'a little each time is progress');
  await fails(all(stuck.file), 'Download', /cut after 65536 of \d+ bytes, 5 times/);
  assert.deepEqual(stuck.pauses, [250, 500, 1000, 2000]);
  assert.deepEqual(Buffer.from(stuck.kept.bytes), Buffer.from(FILE.subarray(0, 65536)));
  assert.ok(kept.bytes.length === FILE.length && pauses.length > 4);
});

test('a half-written file goes on from where it ends', async () => {
  const kept = shelf({ start: FILE.subarray(0, 100_000) });
  const { file, asked } = await open({}, kept);
  assert.deepEqual(await all(file), data(file));
  assert.deepEqual(Buffer.from(kept.bytes), Buffer.from(FILE));
  assert.equal(asked[1], `/x.safetensors bytes=${100_000 - 4096}-${FILE.length}`);
});

test('a half-written file of another version is refused, never mixed', async () => {
  const kept = shelf({ start: safetensors({ a: 150_000, b: 90_000, c: 7 }, 5).subarray(0, 100_000) });
  const { file } = await open({}, kept);
  await assert.rejects(all(file), (e) => e.name === 'Download' && e.changed === true);
});

test('a file that is replaced between two requests is refused', async () => {
  const seen = await open({ etag: (n) => (n < 2 ? '"a"' : '"b"') });
  await assert.rejects(all(seen.file), (e) => e.changed === true && /replaced on the host/.test(e.message));
  // Nothing readable tells: the bytes that overlap do.
  const other = safetensors({ a: 150_000, b: 90_000, c: 7 }, 9);
  const hidden = await open({ file: (n) => (n < 3 ? FILE : other), cut: (n) => (n === 2 ? 50_000 : Infinity) });
  await assert.rejects(all(hidden.file), (e) => e.changed === true);
});

test('going back and skipping', async () => {
  for (const keeps of [true, false]) {
    const { file, kept } = await open({}, shelf({ keeps }));
    const check = async (a, b) => assert.deepEqual(Buffer.from(await file.read(a, b)), Buffer.from(FILE.subarray(a, b)));
    for (const [a, b] of [[200_000, 201_000], [100, 300], [65_000, 70_000], [130_000, 140_000], [FILE.length - 5, FILE.length], [500, 90_000]]) await check(a, b);
    if (keeps) assert.deepEqual(Buffer.from(kept.bytes), Buffer.from(FILE));
    await fails(file.read(5, FILE.length + 1), 'BadModel', /beyond its end/);
  }
});

test('the room runs out on the way: loading goes on without keeping', async () => {
  const { file, kept } = await open({}, shelf({ room: 120_000 }));
  assert.deepEqual(await all(file), data(file));
  assert.equal(kept.why, 'quota');
  assert.ok(kept.writer.closed && !file.complete);
});

test('the rest is fetched after wasm has what it needs', async () => {
  const { file, kept } = await open();
  await file.read(100_000, 100_010);
  await file.finish();
  assert.deepEqual(Buffer.from(kept.bytes), Buffer.from(FILE));
  assert.ok(file.complete && kept.writer.closed);
});

test('a stop is Aborted, not a failure of the host', async () => {
  const { file, abort } = await open();
  abort.abort();
  await fails(all(file), 'Aborted', /./);
});

test('answers that may pass are asked again, others are not', async () => {
  const busy = host({ 'x.safetensors': FILE }, { status: (n) => (n < 4 ? 503 : 0) });
  assert.equal((await head(busy.http, URL_)).implied, FILE.length);
  assert.deepEqual(busy.pauses, [250, 500, 1000]);
  const closed = host({}, { status: () => 401 });
  await fails(head(closed.http, URL_), 'Download', /answers 401: it is private/);
  assert.equal(closed.asked.length, 1);
  const away = host({}, { away: () => true });
  await fails(head(away.http, URL_), 'Download', /no answer: check the connection/);
  assert.equal(away.asked.length, 5);
  assert.equal(await head(host({}).http, URL_), null);
  assert.equal(await head(host({ 'x.safetensors': FILE }, { ranges: false, type: 'text/html; charset=utf-8' }).http, URL_), null, 'the page of a single-page host');
});

test('a local file is read in windows, whatever the pieces', async () => {
  const file = new LocalFile(new Blob([FILE]), FILE.subarray(0, 10));
  const check = async (a, b) => assert.deepEqual(Buffer.from(await file.read(a, b)), Buffer.from(FILE.subarray(a, b)));
  for (const [a, b] of [[0, 1], [1, 5], [100_000, 200_000], [5, 6], [FILE.length - 1, FILE.length], [7, 7]]) await check(a, b);
  const together = await Promise.all([file.read(0, 1000), file.read(5000, 6000), file.read(239_000, 240_000)]);
  together.forEach((bytes, i) => assert.deepEqual(Buffer.from(bytes), Buffer.from(FILE.subarray([0, 5000, 239_000][i], [1000, 6000, 240_000][i]))));
  await fails(file.read(FILE.length - 1, FILE.length + 1), 'Download', /local file/);
});
