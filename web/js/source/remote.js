// A model on a host as wasm sees it: small files whole, weights as streams, both out of what is kept where that is still the same.

import { OnelaunchError } from './errors.js';
import { LocalFile, RemoteFile } from './file.js';
import { head } from './head.js';
import { compatible, missing, refused, validators } from './http.js';
import { NoKeep, read } from './keep.js';
import { same } from './safetensors.js';
import { smallFiles, whole } from './small.js';

/** Bytes at the end of a kept file that are compared where nothing else tells versions apart. */
const SAMPLE = 4096;
/** With a kept copy at hand, a host that does not begin to answer in so many ms counts as away. */
const PATIENCE = 5000;

export class RemoteHost {
  /**
   * @param {object} place
   * @param {string} place.name what a person calls it
   * @param {(path: string) => string} place.url
   * @param {Map<string, {oid?: string, size?: number}> | null} place.files all there are, where a list could be had
   * @param {import('./http.js').Http} place.http
   * @param {import('./shelf.js').Shelf} place.shelf
   * @param {boolean} [place.offline] the host is known to be away
   */
  constructor({ name, url, files, http, shelf, offline = false }) {
    this.name = name;
    this.url = url;
    this.files = files;
    this.http = http;
    this.shelf = shelf;
    this.keep = shelf.keep instanceof NoKeep ? null : shelf.keep;
    this.offline = offline;
    /** @type {Map<string, Promise<any>>} what was asked for ahead of time */
    this.early = new Map();
  }

  /** Asks for everything that was here last time at once, instead of one after the other. */
  async warm() {
    if (!this.keep || this.offline) return;
    // `//` begins what is no file of the model.
    for (const path of (await this.keep.paths()).filter((path) => !path.startsWith('//'))) this.#ahead(path, path.endsWith('.safetensors') ? 'open' : 'read');
  }

  /** @param {string} path @param {'open' | 'read'} kind */
  #ahead(path, kind) {
    const key = `${kind} ${path}`;
    if (this.early.has(key)) return;
    const promise = kind === 'open' ? this.#open(path) : this.#read(path);
    // Whoever asks for it hears of a failure; nobody may ask.
    promise.catch(() => {});
    this.early.set(key, promise);
  }

  /** @param {string} path @returns {Promise<Uint8Array | null>} */
  async read(path) {
    const bytes = await (this.early.get(`read ${path}`) ?? this.#read(path));
    this.early.delete(`read ${path}`);
    if (path !== 'model_index.json') return bytes;
    if (!bytes) {
      throw new OnelaunchError('BadModel', `${this.url(path)}: there is none: give the address of the folder that holds model_index.json`);
    }
    for (const next of smallFiles(bytes)) this.#ahead(next, 'read');
    return bytes;
  }

  /** @param {string} path */
  async open(path) {
    const file = await (this.early.get(`open ${path}`) ?? this.#open(path));
    this.early.delete(`open ${path}`);
    if (file instanceof RemoteFile && !this.shelf.remote.includes(file)) this.shelf.add(file);
    else if (file) this.shelf.local += file.length;
    return file;
  }

  /** @param {string} path @returns {Promise<Uint8Array | null>} */
  async #read(path) {
    const listed = this.files?.get(path);
    if (this.files && !listed) return null;
    const meta = await this.keep?.meta(path);
    const kept = meta && !meta.missing ? await this.keep?.small(path) : null;
    // The list names the contents: no further request.
    if (kept && listed?.oid && listed.oid === meta.oid) return kept;
    if (this.offline) return kept ?? this.#away(path, meta);
    let [response, bytes] = [/** @type {Response | null} */ (null), /** @type {Uint8Array | null} */ (null)];
    try {
      [response, bytes] = await this.#fetch(path, kept || meta?.missing ? { tries: 1, limit: PATIENCE } : {});
    } catch (error) {
      if (/** @type {any} */ (error).network && (kept || meta?.missing)) return kept ?? null;
      throw error;
    }
    // Some stores answer 403 instead of 404 to who may not list them.
    if (missing(response) || (response.status === 403 && path !== 'model_index.json')) {
      await this.keep?.put(path, { missing: true }, null);
      return null;
    }
    if (!bytes) {
      if (kept && response.status >= 500) return kept;
      throw refused(this.url(path), response);
    }
    const now = { ...validators(response), ...(listed?.oid ? { oid: listed.oid } : {}) };
    if (!kept || !same(kept, bytes) || !compatible(now, meta)) await this.keep?.put(path, now, bytes);
    return bytes;
  }

  /** An answer with its bytes, if it is one with bytes. @param {string} path @param {{tries?: number, limit?: number}} how @returns {Promise<[Response, Uint8Array | null]>} */
  async #fetch(path, how) {
    for (let n = 1; ; n += 1) {
      const response = await this.http.get(this.url(path), how);
      try {
        if (response.ok && !missing(response)) return [response, await whole(response, this.url(path))];
        await response.body?.cancel();
        return [response, null];
      } catch (error) {
        // Cut: small files are begun again.
        if (error instanceof OnelaunchError || this.http.signal.aborted || n >= this.http.tries) throw error;
        await this.http.rest(n);
      }
    }
  }

  /** @param {string} path */
  async #open(path) {
    const listed = this.files?.get(path);
    if (this.files && !listed) return null;
    const [known, meta] = [(await this.keep?.weights(path)) ?? null, await this.keep?.meta(path)];
    if (known?.complete && listed?.oid && listed.oid === meta?.oid) return new LocalFile(known.file, known.header);
    const fallback = () => (known?.complete ? new LocalFile(known.file, known.header) : this.#away(path, meta));
    if (this.offline) return fallback();
    let top;
    try {
      top = await head(this.http, this.url(path), known?.complete || meta?.missing ? { tries: 1, limit: PATIENCE } : {});
    } catch (error) {
      if (/** @type {any} */ (error).network && (known?.complete || meta?.missing)) return fallback();
      throw error;
    }
    if (top === null) {
      await this.keep?.put(path, { missing: true }, null);
      return null;
    }
    const now = { ...top.known, ...(listed?.oid ? { oid: listed.oid } : {}) };
    const length = listed?.size ?? top.total ?? (top.implied !== null && top.bytes.length > top.implied ? top.bytes.length : null);
    const current = known !== null && compatible(now, meta) && (length === null || length === known.implied) && (await this.#alike(path, known, top, now, meta));
    if (known && !current) await this.keep?.drop(path);
    if (current && known.complete) {
      top.reader?.cancel();
      return new LocalFile(known.file, known.header);
    }
    // What is no safetensors has no length of its own and is not kept: Rust looks at what came and says what is wrong.
    return new RemoteFile(this.http, this.url(path), path, top, length, this.shelf, now);
  }

  /**
   * Whether what is kept has the bytes of the host, as far as that is cheap to tell: those that came with the header, and where the host
   * shows nothing to tell versions by, the last ones.
   * @param {string} path @param {{file: File, implied: number, complete: boolean}} known @param {import('./head.js').Head} top @param {any} now @param {any} meta
   */
  async #alike(path, known, top, now, meta) {
    const count = Math.min(top.bytes.length, known.file.size);
    if (!same(await read(known.file, 0, count), top.bytes.subarray(0, count))) return false;
    const told = ['oid', 'etag', 'modified'].some((key) => now[key] && meta[key]);
    // The end of what is not complete is compared when it is picked up. A host without ranges has no end to look at.
    if (told || !known.complete || top.reader || known.implied <= count) return true;
    const [start, end] = [Math.max(count, known.implied - SAMPLE), known.implied];
    const response = await this.http.get(this.url(path), { start, end });
    if (response.status !== 206) {
      await response.body?.cancel();
      return response.status === 200;
    }
    return same(await whole(response, this.url(path)), await read(known.file, start, end));
  }

  /** The host is away, and this file was not kept. @param {string} path @param {any} meta @returns {null} */
  #away(path, meta) {
    if (meta?.missing) return null;
    throw new OnelaunchError('Download', `${this.url(path)}: no answer, and it is not kept here: go online and load again`);
  }
}
