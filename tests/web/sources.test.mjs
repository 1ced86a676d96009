// Where a model can be: an address, a hub's layout, files, a directory handle, a folder that is dropped.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { badHost, filesOf } from './lib/host.mjs';
import { ends, failedAs, isCpu, session, worked } from './lib/session.mjs';
import { listen, sendFile } from './lib/static.mjs';
import { join } from 'node:path';
import { MODEL } from './lib/where.mjs';

const { page } = await session();
const ASKED = { prompt: 'a red apple', seed: 7, steps: 1 };
const picture = (source, options = {}) => page.evaluate(([source, options, asked]) => outcome(async () => {
  await load('pipe', { backend: 'cpu', ...options }, source);
  return make('pipe', asked);
}), [source, options, ASKED]);

const right = worked(await picture('/models/emoji-mini/')).images[0].rgba;
const same = (got) => {
  const made = worked(got);
  isCpu(made);
  assert.equal(made.images[0].rgba, right);
};

/** A host in the layout of a hub; `tree` says whether it lists files. */
async function hub({ tree, status = 404 }) {
  const paths = [...filesOf(MODEL).keys()];
  const seen = [];
  const cors = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'ETag, Link, X-Repo-Commit' };
  const served = ends(await listen((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    seen.push(pathname);
    if (pathname.startsWith('/api/models/some/model/tree/')) {
      if (!tree) return response.writeHead(status, cors).end();
      // In two pages, as long lists come.
      const [half, page] = [Math.ceil(paths.length / 2), searchParams.get('cursor')];
      const list = (page ? paths.slice(half) : paths.slice(0, half)).map((path) => ({ type: 'file', path, oid: `oid-${path}` }));
      const link = page ? {} : { link: `<http://localhost:${served.port}${pathname}?recursive=true&cursor=x>; rel="next"` };
      return response.writeHead(200, { ...cors, ...link, 'content-type': 'application/json' }).end(JSON.stringify(list));
    }
    const [, path] = /^\/some\/model\/resolve\/(?:main|v1)\/(.*)$/.exec(pathname) ?? [];
    return path ? sendFile(request, response, join(MODEL, path), cors) : response.writeHead(404, cors).end();
  }));
  return { base: served.origin, seen };
}

test('org/name on a hub that lists its files', async () => {
  const { base, seen } = await hub({ tree: true });
  same(await picture('some/model', { baseUrl: base }));
  assert.ok(seen.filter((path) => path.startsWith('/api/')).length >= 2, 'both pages of the list');
});

test('org/name on a hub without a list: known names', async () => {
  const { base, seen } = await hub({ tree: false });
  same(await picture('some/model', { baseUrl: base, revision: 'v1' }));
  assert.ok(seen.length < 40, `${seen.length} requests`);
  assert.ok(seen.some((path) => path.includes('/resolve/v1/')), 'the revision');
});

test('a private repository says what to do', async () => {
  const { base } = await hub({ tree: false, status: 401 });
  failedAs(await picture('some/model', { baseUrl: base }), 'Download', /private|login/);
});

test('an address with a query, and that of model_index.json', async () => {
  const model = ends(await badHost()).add();
  same(await picture(`${model.url}?token=1`));
  same(await picture(`${model.url}model_index.json`));
});

/** Files of the model as a page has them. */
const PATHS = [...filesOf(MODEL).keys()].filter((path) => !/golden|train|png|md$/.test(path));

test('File[], with the paths of a folder', async () => {
  const got = await page.evaluate(([paths, asked]) => outcome(async () => {
    const files = await Promise.all(paths.map(async (path) => {
      const file = new File([await (await fetch(MODEL + path)).blob()], path.split('/').at(-1));
      Object.defineProperty(file, 'webkitRelativePath', { value: `emoji-mini/${path}` });
      return file;
    }));
    await load('pipe', { backend: 'cpu' }, files);
    return make('pipe', asked);
  }), [PATHS, ASKED]);
  same(got);
  assert.equal(got.value.kept, 'no');
});

test('a FileList of an input, chosen as a folder', async () => {
  await page.evaluate(() => {
    const input = document.body.appendChild(Object.assign(document.createElement('input'), { type: 'file', id: 'folder', multiple: true }));
    input.webkitdirectory = true;
  });
  await page.locator('#folder').setInputFiles(MODEL);
  same(await page.evaluate((asked) => outcome(async () => {
    await load('pipe', { backend: 'cpu' }, document.getElementById('folder').files);
    return make('pipe', asked);
  }), ASKED));
});

test('a directory handle', async () => {
  same(await page.evaluate(([paths, asked]) => outcome(async () => {
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('chosen', { create: true });
    for (const path of paths) {
      const names = path.split('/');
      let folder = root;
      for (const name of names.slice(0, -1)) folder = await folder.getDirectoryHandle(name, { create: true });
      const writable = await (await folder.getFileHandle(names.at(-1), { create: true })).createWritable();
      await (await fetch(MODEL + path)).body.pipeTo(writable);
    }
    await load('pipe', { backend: 'cpu' }, root);
    return make('pipe', asked);
  }), [PATHS, ASKED]));
});

test('a folder that is dropped on the page', async () => {
  await page.evaluate((asked) => {
    document.body.style.height = '400px';
    addEventListener('dragover', (event) => event.preventDefault());
    globalThis.dropped = new Promise((resolve) => {
      addEventListener('drop', (event) => {
        event.preventDefault();
        const { items } = event.dataTransfer;
        resolve(outcome(async () => {
          await load('pipe', { backend: 'cpu' }, items);
          return make('pipe', asked);
        }));
      });
    });
  }, ASKED);
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [MODEL], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) await session.send('Input.dispatchDragEvent', { type, x: 50, y: 50, data });
  same(await page.evaluate(() => globalThis.dropped));
});

test('what is no model: a named error', async () => {
  failedAs(await picture('ftp://localhost/x'), 'BadRequest');
  failedAs(await page.evaluate(() => outcome(() => load('pipe', { backend: 'cpu' }, [new File(['x'], 'x.txt')]))), 'BadModel');
  failedAs(await page.evaluate(() => outcome(() => load('pipe', { backend: 'cpu' }, 7))), 'BadRequest');
});
