// The beginning of a safetensors file on a host: its header, and what came along with it.

import { Chunks } from './chunks.js';
import { OnelaunchError } from './errors.js';
import { compatible, missing, refused, totalOf, validators } from './http.js';
import { headerLength, impliedLength } from './safetensors.js';
import { changed } from './stream.js';

/** Bytes of the first request: most headers are shorter. */
const FIRST = 64 * 1024;

/**
 * @typedef {object} Head
 * @property {Uint8Array} header the first 8 + n bytes; of what is no safetensors, whatever came: Rust tells what is wrong with it
 * @property {Uint8Array} bytes everything that came, from the file's first byte on
 * @property {number | null} implied the length that the header implies
 * @property {number | null} total the length that the host tells
 * @property {object} known validators
 * @property {Chunks | null} reader an open body after `bytes`, where the host ignored the range
 */

/**
 * @param {import('./http.js').Http} http @param {string} url
 * @param {{limit?: number, tries?: number}} [how]
 * @returns {Promise<Head | null>} null: there is no such file
 */
export async function head(http, url, how = {}) {
  for (let n = 1; ; n += 1) {
    try {
      return await once(http, url, how);
    } catch (error) {
      if (error instanceof OnelaunchError || http.signal.aborted || n >= http.tries) throw error;
      await http.rest(n);
    }
  }
}

/** @param {import('./http.js').Http} http @param {string} url @param {{limit?: number, tries?: number}} how @returns {Promise<Head | null>} */
async function once(http, url, how) {
  const response = await http.get(url, { start: 0, end: FIRST, ...how });
  if (missing(response)) {
    await response.body?.cancel();
    return null;
  }
  // A range of an empty file cannot be satisfied.
  const empty = new Uint8Array(0);
  if (response.status === 416) return { header: empty, bytes: empty, implied: null, total: 0, known: {}, reader: null };
  if ((response.status !== 206 && response.status !== 200) || !response.body) {
    await response.body?.cancel();
    throw refused(url, response);
  }
  const [known, total, ranged] = [validators(response), totalOf(response), response.status === 206];
  const body = new Body(new Chunks(response.body));
  await body.until(8);
  const n = headerLength(body.bytes);
  if (n === null) {
    body.cancel();
    return { header: body.bytes, bytes: body.bytes, implied: null, total, known, reader: null };
  }
  await body.until(ranged ? Math.min(FIRST, total ?? FIRST) : n);
  if (ranged) body.cancel();
  if (ranged && body.bytes.length < n && (total === null || total > body.bytes.length)) await more(http, url, body, n, known);
  const header = body.bytes.subarray(0, n);
  return { header, bytes: body.bytes, implied: impliedLength(header), total, known, reader: ranged ? null : body.reader };
}

/** The rest of a long header. @param {import('./http.js').Http} http @param {string} url @param {Body} body @param {number} n @param {object} known */
async function more(http, url, body, n, known) {
  const response = await http.get(url, { start: body.bytes.length, end: n });
  // Past the end: the file is nothing but a part of a header, and Rust says so.
  if (response.status === 416) return;
  if (response.status !== 206 || !response.body) {
    await response.body?.cancel();
    throw refused(url, response);
  }
  if (!compatible(known, validators(response))) throw changed(url);
  const rest = new Body(new Chunks(response.body));
  await rest.until(n - body.bytes.length);
  rest.cancel();
  body.add(rest.bytes);
}

/** What has come of a body. */
class Body {
  /** @param {Chunks} reader */
  constructor(reader) {
    this.reader = reader;
    this.bytes = new Uint8Array(0);
  }
  /** Reads until there are `count` bytes, or the body ends. @param {number} count */
  async until(count) {
    while (this.bytes.length < count) {
      const chunk = await this.reader.next();
      if (!chunk) return;
      this.add(chunk);
    }
  }
  /** @param {Uint8Array} bytes */
  add(bytes) {
    const all = new Uint8Array(this.bytes.length + bytes.length);
    all.set(this.bytes);
    all.set(bytes, this.bytes.length);
    this.bytes = all;
  }
  cancel() {
    this.reader.cancel();
  }
}
