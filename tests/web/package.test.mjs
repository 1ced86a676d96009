// The package as others use it: packed, installed, bundled, from another origin, under a Content-Security-Policy, with types, in Node.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch } from './lib/browser.mjs';
import { pixelsOf } from './lib/demo.mjs';
import { ends, isPicture } from './lib/session.mjs';
import { serve } from './lib/static.mjs';
import { HERE, INSTALLED, PKG, installed } from './lib/where.mjs';

const README = readFileSync(join(PKG, 'README.md'), 'utf8');
const BLOCKS = [...README.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, kind, text]) => ({ kind, text }));
/** The n-th block of code of a kind. */
const block = (kind, n) => BLOCKS.filter((one) => one.kind === kind)[n].text;
const EXAMPLE = block('js', 0);
const HTML = (script) => `<!doctype html><meta charset="utf-8"><title>example</title><canvas></canvas><a>PNG</a><script type="module" src="${script}"></script>`;
const browser = ends(await launch());
const models = ends(await serve({ headers: { 'access-control-allow-origin': '*' } }));
/** The example of the README, with a package and a model that are there. */
const example = (from, model = `${models.origin}/models/emoji-mini/`) => EXAMPLE.replace("'onelaunch'", `'${from}'`).replace(/'https:\/\/example\.org[^']*'/, `'${model}'`);

/** Opens a page with the example and sees that it ends. */
async function runs(url) {
  const page = await (await browser.newContext()).newPage();
  const [said, wrong] = [[], []];
  page.on('console', (message) => (message.type() === 'error' ? wrong : said).push(message.text()));
  page.on('pageerror', (error) => wrong.push(error.message));
  await page.goto(url);
  await page.waitForFunction(() => document.querySelector('a').href.startsWith('blob:'), null, { timeout: 60_000 }).catch((error) => {
    throw new Error(`${error.message}\n${wrong.join('\n')}`);
  });
  assert.ok(said.some((line) => /^(cpu|webgpu) \d+$/.test(line)), said.join('\n'));
  assert.ok(said.some((line) => line.startsWith('download ')), 'progress');
  isPicture(await pixelsOf(page, 'canvas'));
  assert.deepEqual(wrong, []);
  await page.context().close();
}

test('wasm is at most 3 MiB, and 1 MiB by gzip -9', () => {
  const wasm = readFileSync(join(PKG, 'onelaunch_web_bg.wasm'));
  // The program itself: libraries of the same name pack a little differently.
  const packed = execFileSync('gzip', ['-9', '-c'], { input: wasm, maxBuffer: 2 ** 26 }).length;
  console.log(`    ${wasm.length} bytes, ${packed} by gzip -9`);
  assert.ok(wasm.length <= 3 * 2 ** 20 && packed <= 2 ** 20);
});

test('the example of the README has ten lines, and importing in Node does nothing', () => {
  assert.ok(EXAMPLE.trim().split('\n').length <= 10, EXAMPLE);
  const script = `const before = Object.keys(globalThis).join();
    import(${JSON.stringify(pathToFileURL(join(PKG, 'index.js')).href)}).then(({ Pipeline }) => {
      if (typeof Pipeline.load !== 'function' || Object.keys(globalThis).join() !== before) process.exit(3);
    });`;
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, ['-e', script], { timeout: 5000, encoding: 'utf8' });
  assert.deepEqual({ status, stdout, stderr, signal }, { status: 0, stdout: '', stderr: '', signal: null });
});

/** A page with the example as a file of its own. */
const site = async (source, headers = {}) => ends(await serve({ pages: { '/': HTML('/example.js'), '/example.js': source }, headers }));

test('a page of another origin runs the example', async () => {
  const page = await site(example(`${models.origin}/pkg/index.js`));
  assert.notEqual(page.origin, models.origin);
  await runs(`${page.origin}/`);
});

test('a page under the documented policy, without blob:', async () => {
  const policy = block('', 0).trim();
  assert.doesNotMatch(policy, /blob:/);
  const page = await site(example('/pkg/index.js', '/models/emoji-mini/'), { 'content-security-policy': policy });
  await runs(`${page.origin}/`);
});

test('a page of another origin under the documented policy', async () => {
  const policy = block('', 1).trim().replace(/https:\/\/(cdn|models)\.example/g, models.origin);
  const page = await site(example(`${models.origin}/pkg/index.js`), (path) => (path === '/' ? { 'content-security-policy': policy } : {}));
  await runs(`${page.origin}/`);
});

test('types: tsc --strict', () => {
  const folder = join(INSTALLED, `types-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'use.ts'), readFileSync(join(HERE, 'lib/types.ts.txt'), 'utf8').replaceAll('onelaunch-here', join(PKG, 'index.js')));
  const tsc = join(dirname(installed.resolve('typescript/package.json')), 'bin/tsc');
  const args = ['--strict', '--noEmit', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2022,dom,dom.iterable', join(folder, 'use.ts')];
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...args], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

test('npm pack, installed in a Vite project: dev and build', { timeout: 180_000 }, async () => {
  const project = join(INSTALLED, `vite-${process.pid}`);
  mkdirSync(project, { recursive: true });
  after(() => rmSync(project, { recursive: true, force: true }));
  const npm = (...args) => execFileSync('npm', args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const [{ filename, files }] = JSON.parse(npm('pack', PKG, '--json', '--loglevel=error'));
  const names = files.map(({ path }) => path);
  for (const name of ['index.js', 'index.d.ts', 'worker.js', 'onelaunch_web_bg.wasm', 'README.md']) assert.ok(names.includes(name), `${name} is not packed`);
  assert.deepEqual(names.filter((name) => /test/.test(name)), []);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
  npm('install', `./${filename}`, '--offline', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error');
  writeFileSync(join(project, 'vite.config.js'), block('js', 1));
  writeFileSync(join(project, 'index.html'), HTML('./main.js').replace('<title>', '<link rel="icon" href="data:,"><title>'));
  writeFileSync(join(project, 'main.js'), example('onelaunch'));
  const vite = await import(pathToFileURL(installed.resolve('vite')).href);
  const dev = await vite.createServer({ root: project, logLevel: 'warn', server: { port: 0, host: '127.0.0.1' } });
  ends(dev);
  await dev.listen();
  await runs(`http://localhost:${dev.httpServer.address().port}/`);
  await vite.build({ root: project, base: './', logLevel: 'warn' });
  const assets = readdirSync(join(project, 'dist/assets'));
  assert.ok(assets.some((name) => name.endsWith('.wasm')), assets.join());
  const built = ends(await serve({ folders: { '/below/': join(project, 'dist') } }));
  await runs(`${built.origin}/below/`);
});
