// A host of another origin that does what hosts of weights do to people: it redirects to addresses that work once, ignores ranges, hides
// headers, cuts connections and swaps files. It always refuses preflights.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MODEL } from './where.mjs';
import { listen, rangeOf, send } from './static.mjs';

const PIECE = 128 * 1024;

/** Every file of a folder by its path. */
export function filesOf(folder, under = '') {
  const files = new Map();
  for (const name of readdirSync(join(folder, under))) {
    const path = under ? `${under}/${name}` : name;
    if (statSync(join(folder, path)).isDirectory()) for (const [p, bytes] of filesOf(folder, path)) files.set(p, bytes);
    else files.set(path, readFileSync(join(folder, path)));
  }
  return files;
}

export const isWeights = (path) => path.endsWith('.safetensors');

/** One model on a host, with its habits. */
class Served {
  /**
   * @param {object} habits
   * @param {Map<string, Buffer>} [habits.files]
   * @param {boolean} [habits.redirect] every answer is at another origin, at an address that works once
   * @param {boolean} [habits.ranges] @param {boolean} [habits.expose] pages may read ETag and Content-Range
   * @param {boolean} [habits.validators] there are ETag and Last-Modified
   * @param {number} [habits.cut] bytes after which a body of weights is cut, `cuts` times for each file
   * @param {number} [habits.cuts] @param {number} [habits.delay] ms for each 128 KiB of weights
   * @param {(path: string, n: number) => {bytes?: Buffer, version?: string} | undefined} [habits.swap] another content for the n-th request of a file, from 1
   */
  constructor(habits) {
    Object.assign(this, { ranges: true, expose: true, validators: true, cuts: Infinity, delay: 0, ...habits });
    this.files ??= filesOf(MODEL);
    /** Bytes that were sent and requests that came, by path. */
    this.sent = new Map();
    this.count = new Map();
    this.cutCount = new Map();
    this.signed = new Map();
    this.preflights = 0;
    /** Bodies that are being sent. */
    this.bodies = 0;
  }

  get weightBytes() {
    return [...this.files].filter(([path]) => isWeights(path) && !/golden|train|encoder\.safe/.test(path)).reduce((sum, [, bytes]) => sum + bytes.length, 0);
  }

  get weightsSent() {
    return [...this.sent].filter(([path]) => isWeights(path)).reduce((sum, [, bytes]) => sum + bytes, 0);
  }

  async answer(request, response, path) {
    const cors = { 'access-control-allow-origin': '*', ...(this.expose ? { 'access-control-expose-headers': 'ETag, Content-Range, Link' } : {}) };
    const n = (this.count.get(path) ?? 0) + 1;
    this.count.set(path, n);
    const swapped = this.swap?.(path, n);
    const bytes = swapped?.bytes ?? this.files.get(path);
    if (!bytes) return response.writeHead(404, cors).end('there is none');
    const range = this.ranges ? rangeOf(request, bytes.length) : null;
    const version = swapped?.version ?? '1';
    const { start, end } = range ?? { start: 0, end: bytes.length };
    const headers = {
      ...cors, 'content-type': 'application/octet-stream', 'content-length': end - start,
      ...(this.validators ? { etag: `"${path}-${version}"`, 'last-modified': new Date(1e12 + 1e6 * version.charCodeAt(0)).toUTCString() } : {}),
    };
    if (range && start >= end) return response.writeHead(416, { ...cors, 'content-range': `bytes */${bytes.length}` }).end();
    response.writeHead(range ? 206 : 200, { ...headers, ...(range ? { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` } : {}) });
    return this.#body(response, path, bytes.subarray(start, end));
  }

  async #body(response, path, bytes) {
    const weights = isWeights(path);
    const mayCut = weights && this.cut !== undefined && bytes.length > this.cut && (this.cutCount.get(path) ?? 0) < this.cuts;
    if (mayCut) this.cutCount.set(path, (this.cutCount.get(path) ?? 0) + 1);
    const most = mayCut ? this.cut : bytes.length;
    this.bodies += 1;
    for (let at = 0; at < most && !response.destroyed; at += PIECE) {
      const piece = bytes.subarray(at, Math.min(at + PIECE, most));
      this.sent.set(path, (this.sent.get(path) ?? 0) + piece.length);
      await send(response, piece);
      if (weights && this.delay) await new Promise((resolve) => setTimeout(resolve, this.delay));
    }
    this.bodies -= 1;
    // What was written must have left before the connection is cut: clients resume from what they got.
    if (mayCut) setTimeout(() => response.destroy(), 30);
    else response.end();
  }
}

/** The host, and a second origin that it redirects to. */
export async function badHost() {
  /** @type {Map<string, Served>} */
  const models = new Map();
  const find = (request) => {
    const [, name, path] = /^\/([^/]+)\/(.*)$/.exec(decodeURIComponent(new URL(request.url, 'http://localhost').pathname)) ?? [];
    return { model: models.get(name), name, path };
  };
  const second = await listen((request, response) => {
    const { model, path } = find(request);
    if (!model || request.method !== 'GET') return response.writeHead(405).end();
    const real = model.signed.get(path);
    model.signed.delete(path);
    if (!real) return response.writeHead(403, { 'access-control-allow-origin': '*' }).end('this address has expired');
    return model.answer(request, response, real);
  });
  const first = await listen((request, response) => {
    const { model, name, path } = find(request);
    if (model && request.method === 'OPTIONS') model.preflights += 1;
    if (!model || request.method !== 'GET') return response.writeHead(405).end();
    if (!model.redirect || !model.files.has(path)) return model.answer(request, response, path);
    const token = `${Math.random().toString(36).slice(2)}/${path.split('/').at(-1)}`;
    model.signed.set(token, path);
    return response.writeHead(302, { location: `${second.origin}/${name}/${token}`, 'access-control-allow-origin': '*' }).end();
  });
  const stop = () => Promise.all([first.stop(), second.stop()]);
  return {
    origin: first.origin, stop,
    /** @param {object} habits */
    add(habits = {}) {
      const name = `model-${models.size}`;
      const served = new Served(habits);
      models.set(name, served);
      served.url = `${first.origin}/${name}/`;
      return served;
    },
  };
}
