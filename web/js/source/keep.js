// Files of models kept in the origin's private file system, one folder per model. Reads are by getFile(), which any number of tabs may do
// at once; a file is written by the one tab that holds its Web Lock. Weights are appended, so that what is there is a prefix of the file:
// it is complete when its length is exactly what its own header implies, and until then it is resumed, never loaded.

import { headerLength, impliedLength, same } from './safetensors.js';
import { Writer, writeAll } from './keep-writer.js';

const FOLDER = 'onelaunch';
/** Stays free of what the origin may use: room for everybody else's small things. */
const MARGIN = 32 * 2 ** 20;
/** A file that another tab writes and that has not grown for so long (ms) is not waited for. */
const STALLED = 10_000;

/** A plain file name of a path: `/` is not allowed in one. @param {string} path */
const fileName = (path) => encodeURIComponent(path);
const META = '.meta';
const metaName = (/** @type {string} */ path) => fileName(path) + META;

/** Where nothing can be kept; says why. */
export class NoKeep {
  /** @param {string} why */
  constructor(why) {
    this.why = why;
  }
}

export class Keep {
  /**
   * The folder of a model.
   * @param {string} id what tells this model from others: its address and revision
   * @returns {Promise<Keep | NoKeep>}
   */
  static async of(id) {
    if (!globalThis.isSecureContext) return new NoKeep('files are kept in secure contexts only: serve the page by https or from localhost');
    if (!navigator.storage?.getDirectory || !navigator.locks) return new NoKeep('this browser has no private file system');
    if (!('createSyncAccessHandle' in (globalThis.FileSystemFileHandle?.prototype ?? {}))) {
      return new NoKeep('this browser cannot write its private file system piece by piece');
    }
    try {
      const root = await navigator.storage.getDirectory();
      const all = await root.getDirectoryHandle(FOLDER, { create: true });
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(id)));
      const name = [...digest.subarray(0, 16)].map((b) => b.toString(16).padStart(2, '0')).join('');
      return new Keep(await all.getDirectoryHandle(name, { create: true }), name);
    } catch (error) {
      // Private windows of some browsers have the functions and refuse the call.
      return new NoKeep(`the browser's private file system cannot be used (${/** @type {Error} */ (error).message})`);
    }
  }

  /** @param {FileSystemDirectoryHandle} folder @param {string} name */
  constructor(folder, name) {
    this.folder = folder;
    this.name = name;
    /** @type {Map<string, Promise<unknown>>} locks that were given back, until the browser has heard of it */
    this.leaving = new Map();
  }

  /** What is known of a file: `{ missing }`, or its validators. @param {string} path @returns {Promise<any>} */
  async meta(path) {
    try {
      return JSON.parse(await (await this.#file(metaName(path))).text());
    } catch {
      return null;
    }
  }

  /** A small file. @param {string} path @returns {Promise<Uint8Array | null>} */
  async small(path) {
    try {
      return new Uint8Array(await (await this.#file(fileName(path))).arrayBuffer());
    } catch {
      return null;
    }
  }

  /**
   * Keeps a small file, or that there is none. Being full, or another tab that does the same, is no error: then nothing is kept.
   * @param {string} path @param {object} meta @param {Uint8Array | null} bytes
   */
  async put(path, meta, bytes) {
    try {
      await navigator.locks.request(this.#lock(path), async () => {
        if (bytes) await writeAll(this.folder, fileName(path), bytes);
        await writeAll(this.folder, metaName(path), new TextEncoder().encode(JSON.stringify(meta)));
      });
    } catch {
      await this.drop(path);
    }
  }

  /** Paths of everything that is kept. @returns {Promise<string[]>} */
  async paths() {
    const paths = [];
    for await (const name of /** @type {any} */ (this.folder).keys()) {
      if (name.endsWith(META)) paths.push(decodeURIComponent(name.slice(0, -META.length)));
    }
    return paths;
  }

  /**
   * Weights that are here, whole or in part; `null` where there is nothing usable.
   * @param {string} path
   * @returns {Promise<{file: File, meta: any, header: Uint8Array, implied: number, complete: boolean} | null>}
   */
  async weights(path) {
    try {
      const [file, meta] = [await this.#file(fileName(path)), await this.meta(path)];
      if (!meta || meta.missing) return null;
      const n = headerLength(await read(file, 0, Math.min(8, file.size)));
      if (n === null || file.size < n) return null;
      const header = await read(file, 0, n);
      const implied = impliedLength(header);
      // Longer than it should be: nothing of it can be trusted.
      if (implied === null || file.size > implied) return null;
      return { file, meta, header, implied, complete: file.size === implied };
    } catch {
      return null;
    }
  }

  /**
   * The right to write a file, waiting while another tab writes it; or the file, where that tab has completed it; or why neither.
   * @param {string} path @param {Uint8Array} header of the file as it is on the host @param {object} meta
   * @param {{signal: AbortSignal, onSize: (bytes: number) => void}} watch hears how far the other tab is
   * @returns {Promise<{writer?: Writer, file?: File, why?: string}>}
   */
  async acquire(path, header, meta, { signal, onSize }) {
    let [size, since] = [-1, performance.now()];
    for (;;) {
      const release = await this.#tryLock(path);
      const known = await this.weights(path);
      const usable = known !== null && same(known.header, header);
      if (usable && known.complete) {
        release?.();
        return { file: known.file };
      }
      if (release) {
        let writer;
        try {
          writer = await Writer.open(this.folder, fileName(path), usable ? known.file.size : 0, release);
          if (!usable) await writeAll(this.folder, metaName(path), new TextEncoder().encode(JSON.stringify(meta)));
          return { writer };
        } catch (error) {
          writer ? writer.close() : release();
          return { why: `the browser's private file system cannot be written (${/** @type {Error} */ (error).message})` };
        }
      }
      const now = known?.file.size ?? 0;
      if (now !== size) [size, since] = [now, performance.now()];
      if (performance.now() - since > STALLED) return { why: 'another tab is keeping the same file' };
      onSize(now);
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Forgets a file, unless another tab is writing it: then that one knows better. @param {string} path */
  async drop(path) {
    // Our own lock of a moment ago must not be taken for another tab's.
    await this.leaving.get(path);
    const release = await this.#tryLock(path);
    if (!release) return;
    for (const name of [fileName(path), metaName(path)]) await this.folder.removeEntry(name).catch(() => {});
    release();
  }

  /** Whether so many bytes more may be written; else a sentence with the numbers. @param {number} bytes @returns {Promise<string | null>} */
  async noRoom(bytes) {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    const free = Math.max(0, quota - usage);
    return bytes + MARGIN <= free ? null : `no room to keep ${megabytes(bytes)}: the browser allows this site ${megabytes(free)} more`;
  }

  /** @param {string} name */
  async #file(name) {
    return (await this.folder.getFileHandle(name)).getFile();
  }

  /** @param {string} path */
  #lock(path) {
    return `${FOLDER}/${this.name}/${path}`;
  }

  /** @param {string} path @returns {Promise<(() => void) | null>} what gives the lock back */
  #tryLock(path) {
    return new Promise((resolve, reject) => {
      /** @type {Promise<unknown>} */
      const held = navigator.locks.request(this.#lock(path), { ifAvailable: true }, (lock) => lock && new Promise((release) => resolve(() => {
        this.leaving.set(path, held.finally(() => this.leaving.delete(path)));
        release(undefined);
      })));
      held.then(() => resolve(null), reject);
    });
  }
}

/** Bytes of a file. @param {Blob} file @param {number} start @param {number} end */
export async function read(file, start, end) {
  return new Uint8Array(await file.slice(start, end).arrayBuffer());
}

/** @param {number} bytes */
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
