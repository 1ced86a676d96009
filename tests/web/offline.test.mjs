// The second visit with the server stopped, and a new build of the page under the feet of an old one.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launchIn } from './lib/browser.mjs';
import { UNDER, open, pixelsOf, press, serveDemo } from './lib/demo.mjs';
import { ends, isPicture, until } from './lib/session.mjs';
import { WEB, scratch } from './lib/where.mjs';

const HASH = '#prompt=a%20red%20apple&seed=7&steps=2';
const context = ends(await launchIn(scratch('offline')));
let host = await serveDemo();
const { port, origin } = host;

/** The worker of the page is in place, and the model is kept. */
const settled = (page) => until('kept for the next visit', () => page.evaluate(async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  return Boolean(registration?.active) && localStorage.getItem('onelaunch.kept') === '1';
}), 60_000);

for (const backend of ['webgpu', 'cpu']) {
  test(`${backend}: the second visit works with the server stopped`, async () => {
    const query = `?backend=${backend}`;
    const page = await context.newPage();
    assert.equal(await open(page, origin, { query, hash: HASH }), 'ready');
    assert.equal((await press(page)).state, 'ready');
    const right = await pixelsOf(page, '#canvas');
    await settled(page);
    await page.close();
    await host.stop();
    const again = await context.newPage();
    await assert.rejects(again.request.get(`${origin}${UNDER}`), 'the server is still there');
    assert.equal(await open(again, origin, { query, hash: HASH }), 'ready');
    const made = await press(again);
    assert.equal(made.state, 'ready', made.error);
    assert.equal(made.timings.backend, backend);
    const shown = await pixelsOf(again, '#canvas');
    isPicture(shown);
    assert.equal(shown.rgba, right.rgba);
    await again.close();
    host = await serveDemo({ port });
  });
}

/** The same files as another build: its version, and hashes to match. */
function otherBuild() {
  const folder = join(scratch('offline-build'), 'web');
  cpSync(WEB, folder, { recursive: true });
  const build = JSON.parse(readFileSync(join(folder, 'build.json'), 'utf8'));
  const [old, version] = [Buffer.from(build.version), Buffer.from(build.version.replace(/./g, (c) => (c === '0' ? '1' : '0')))];
  const change = (at) => {
    for (const name of readdirSync(at)) {
      const path = join(at, name);
      if (statSync(path).isDirectory()) change(path);
      else if (/\.(js|html|css|json|webmanifest|ts|wasm)$/.test(name)) {
        const bytes = readFileSync(path);
        for (let i = bytes.indexOf(old); i >= 0; i = bytes.indexOf(old, i)) version.copy(bytes, i);
        writeFileSync(path, bytes);
      }
    }
  };
  change(folder);
  const files = Object.fromEntries(Object.keys(build.files).map((path) => [path, createHash('sha256').update(readFileSync(join(folder, path))).digest('hex')]));
  writeFileSync(join(folder, 'build.json'), JSON.stringify({ ...build, version: String(version), files }));
  return { folder, version: String(version), old: build.version };
}

test('a new build is taken whole, when the person says so; until then the old one works', async () => {
  const { folder, version, old } = otherBuild();
  await host.stop();
  host = ends(await serveDemo({ port, folders: { [UNDER]: folder } }));
  const page = await context.newPage();
  const versionOf = () => page.evaluate(() => fetch('./build.json').then((response) => response.json()).then((build) => build.version));
  assert.equal(await open(page, origin, { query: '?backend=cpu', hash: HASH }), 'ready');
  assert.equal(await versionOf(), old, 'the old page is served out of its own cache');
  assert.equal((await press(page)).state, 'ready', 'the old page works beside a new host');
  await page.waitForSelector('#news:not([hidden])', { timeout: 30_000 });
  const [, ] = await Promise.all([page.waitForEvent('load'), page.click('#news button')]);
  await page.waitForFunction(() => ['ready', 'error'].includes(document.body.dataset.state));
  assert.equal(await versionOf(), version);
  const made = await press(page);
  assert.equal(made.state, 'ready', made.error);
  await page.close();
});

test('glue and wasm of two builds are refused with words', async () => {
  const { folder } = otherBuild();
  cpSync(join(WEB, 'pkg/onelaunch_web_bg.wasm'), join(folder, 'pkg/onelaunch_web_bg.wasm'));
  const mixed = ends(await serveDemo({ folders: { '/pkg/': join(folder, 'pkg') } }));
  const page = await context.newPage();
  await page.goto(`${mixed.origin}/blank`);
  await page.waitForFunction(() => globalThis.ready);
  const got = await page.evaluate(() => outcome(() => load('mixed', { backend: 'cpu' })));
  assert.equal(got.error?.name, 'VersionMismatch');
  assert.match(got.error.message, /reload/);
});
