// The service worker of the page alone: the page works offline from the second visit on. One cache per build, filled whole or not
// at all, and a page is served out of one cache only, so glue and wasm of two builds never meet.

const VERSION = '__ONELAUNCH_VERSION__';
const PREFIX = `onelaunch-page ${new URL(self.registration.scope).pathname} `;
const CACHE = PREFIX + VERSION;
const BUILD = 'build.json';
const IS_WEIGHTS = /\.safetensors$/;
// Of a model the page needs its small files; weights are kept by the package, where the browser lets it.
const IS_NEEDED = (path) => path !== 'sw.js' && !/\.(d\.ts|md|map)$|(^|\/)LICENSE|^pkg\/package\.json$/.test(path)
  && (!path.startsWith('models/') || /\.(json|model|txt)$/.test(path));

const inScope = (path) => new URL(path, self.registration.scope).href;
const fresh = (path) => fetch(inScope(path), { cache: 'no-store' });

self.addEventListener('install', (event) => event.waitUntil(fill()));

async function fill() {
  const build = await buildNow();
  const cache = await caches.open(CACHE);
  const paths = ['', BUILD, ...Object.keys(build.files).filter((path) => path !== BUILD && IS_NEEDED(path))];
  await each(paths, 6, async (path) => {
    const response = await fresh(path);
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    if (path.startsWith('pkg/')) await check(response.clone(), build.files[path]);
    await cache.put(inScope(path), response);
  });
  // A deployment in between would have mixed two builds; then this install fails and the browser tries again later.
  await buildNow();
}

/** Glue and wasm must be those of the build, whatever a cache on the way gave. Pages are left alone: some hosts add to them. */
async function check(response, wanted) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== wanted) throw new Error(`${response.url} is not of build ${VERSION}`);
}

async function buildNow() {
  const build = await fresh(BUILD).then((response) => response.json());
  if (build.version !== VERSION) throw new Error(`the host has build ${build.version}, this is ${VERSION}`);
  return build;
}

async function each(items, atOnce, work) {
  const left = [...items];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (left.length) await work(left.shift());
  }));
}

// No skipWaiting and no claim on our own: pages that run keep the build they began with.
self.addEventListener('activate', (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
})()));

self.addEventListener('message', (event) => {
  if (event.data === 'take over') self.skipWaiting();
  if (event.data === 'keep the model') event.waitUntil(keepModel());
});

/** The shipped model's weights, for browsers in which the package cannot keep them; no picture is encoded here. */
async function keepModel() {
  const cache = await caches.open(CACHE);
  const build = await cache.match(inScope(BUILD)).then((response) => response?.json());
  for (const path of Object.keys(build?.files ?? {}).filter((path) => IS_WEIGHTS.test(path) && !path.endsWith('/taef2_encoder.safetensors'))) {
    if (await cache.match(inScope(path))) continue;
    const response = await fetch(inScope(path));
    if (response.status === 200) await cache.put(inScope(path), response);
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  // Other origins, other scopes, writes: not ours.
  if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope)) return;
  // The host answers ranges; only where it cannot be reached does a kept file.
  if (request.headers.has('range')) {
    event.respondWith(fetch(request).catch((error) => sliceOf(request, error)));
    return;
  }
  // A page of another build asks with its own version: it gets it from the host, never out of this cache.
  const asked = url.searchParams.get('v');
  if (asked && asked !== VERSION) return;
  event.respondWith(fromCache(request, request.mode === 'navigate' || asked !== null));
});

async function fromCache(request, ignoreSearch) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch })) ?? fetch(request);
}

/** `bytes=a-b` or `bytes=a-` out of a kept file. */
async function sliceOf(request, error) {
  const kept = await (await caches.open(CACHE)).match(request.url);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('range'));
  if (!kept || !range) throw error;
  const blob = await kept.blob();
  const start = Number(range[1]);
  const end = range[2] ? Math.min(Number(range[2]) + 1, blob.size) : blob.size;
  if (start >= end) return new Response(null, { status: 416, headers: { 'Content-Range': `bytes */${blob.size}` } });
  return new Response(blob.slice(start, end), {
    status: 206,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(end - start), 'Content-Range': `bytes ${start}-${end - 1}/${blob.size}` },
  });
}
