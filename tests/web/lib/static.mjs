// A plain file server: what any static host does, ranges included.

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { HERE, MODEL, PKG } from './where.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm',
  '.json': 'application/json', '.svg': 'image/svg+xml', '.png': 'image/png', '.woff2': 'font/woff2', '.webmanifest': 'application/manifest+json',
};

/** The page that most tests run in: nothing but the package. */
const BLANK = '<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,"><script type="module" src="/t/in-page.js"></script>';

/** @param {number} port @param {string} [name] */
export const origin = (port, name = 'localhost') => `http://${name}:${port}`;

/** Starts a server on a free port, or on `port`. `server.stop()` ends every connection too. */
export async function listen(handler, port = 0) {
  const server = createServer(handler);
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', () => resolve()));
  const stop = () => new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
    server.closeAllConnections();
    return undefined;
  });
  return { server, port: server.address().port, origin: origin(server.address().port), stop };
}

/** Bytes [start, end) that a request asks for, or null where it asks for all. */
export function rangeOf(request, size) {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) return null;
  return { start: Number(from), end: to === '' ? size : Math.min(Number(to) + 1, size) };
}

/** Writes, and waits while the other side is slower. */
export async function send(response, piece) {
  if (response.write(piece) || response.destroyed) return;
  await new Promise((resolve) => {
    const over = () => {
      response.off('drain', over).off('close', over);
      resolve();
    };
    response.on('drain', over).on('close', over);
  });
}

/** Sends a file of the disk. */
export function sendFile(request, response, file, headers = {}) {
  let stat;
  try {
    stat = statSync(file);
    if (stat.isDirectory()) return sendFile(request, response, join(file, 'index.html'), headers);
  } catch {
    response.writeHead(404, headers).end('there is none');
    return undefined;
  }
  const range = rangeOf(request, stat.size);
  const all = {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'accept-ranges': 'bytes', 'cache-control': 'no-cache',
    etag: `"${stat.size}-${Math.floor(stat.mtimeMs)}"`, 'last-modified': stat.mtime.toUTCString(), ...headers,
  };
  if (!range && request.headers['if-none-match'] === all.etag) return response.writeHead(304, all).end();
  if (range && range.start >= range.end) return response.writeHead(416, { ...all, 'content-range': `bytes */${stat.size}` }).end();
  const { start, end } = range ?? { start: 0, end: stat.size };
  response.writeHead(range ? 206 : 200, { ...all, 'content-length': end - start, ...(range ? { 'content-range': `bytes ${start}-${end - 1}/${stat.size}` } : {}) });
  if (request.method === 'HEAD' || start === end) return response.end();
  return createReadStream(file, { start, end: end - 1 }).on('error', () => response.destroy()).pipe(response);
}

/**
 * Serves folders: `{ '/': target/web }`, the longest prefix wins. Beside them `/blank` is a page with the package alone, out of
 * `/pkg/`, `/models/emoji-mini/` and `/t/`. Every request is noted in `requests`.
 */
export async function serve({ folders = {}, headers = {}, pages = {}, port = 0 } = {}) {
  const all = { '/pkg/': PKG, '/models/emoji-mini/': MODEL, '/t/': join(HERE, 'lib'), ...folders };
  const prefixes = Object.keys(all).sort((a, b) => b.length - a.length);
  const requests = [];
  const served = await listen((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    requests.push({ method: request.method, path, range: request.headers.range });
    const more = typeof headers === 'function' ? headers(path) : headers;
    const page = pages[path] ?? (path === '/blank' ? BLANK : undefined);
    if (page !== undefined) return response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? TYPES['.html'], ...more }).end(page);
    if (path === '/favicon.ico') return response.writeHead(204).end();
    const prefix = prefixes.find((one) => path.startsWith(one));
    if (prefix === undefined || normalize(path) !== path) return response.writeHead(404, more).end();
    return sendFile(request, response, join(all[prefix], path.slice(prefix.length)), more);
  }, port);
  return { ...served, requests };
}
