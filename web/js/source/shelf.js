// What one load keeps of a model, and how far its downloads are: the sums over its files, decided and told once.

import { NoKeep } from './keep.js';

/** Bodies that may wait open. */
const PARKED = 3;

export class Shelf {
  /**
   * @param {import('./keep.js').Keep | NoKeep} keep
   * @param {{signal: AbortSignal, onDownload: (state: {loaded: number, total: number, file: string}) => void}} watch
   */
  constructor(keep, { signal, onDownload }) {
    this.keep = keep;
    this.signal = signal;
    this.onDownload = onDownload;
    /** @type {import('./file.js').RemoteFile[]} files that are not completely here */
    this.remote = [];
    /** Bytes of files that were completely here. */
    this.local = 0;
    /** Why this load keeps nothing more. @type {string | null} */
    this.why = keep instanceof NoKeep ? keep.why : null;
    /** @type {Promise<void> | null} */
    this.decided = null;
  }

  /** @param {import('./file.js').RemoteFile} file */
  add(file) {
    this.remote.push(file);
    // Bodies that wait, on a host that ignores ranges, each hold a connection, and browsers have six for a host.
    const waiting = this.remote.filter((f) => f.begun === null && f.stream.reader !== null);
    for (const old of waiting.slice(0, -PARKED)) old.stream.close();
  }

  /** Bytes that loading takes from the network, as far as headers tell. */
  get total() {
    return this.remote.reduce((sum, file) => sum + (file.implied ?? 0), 0);
  }

  /** @param {import('./file.js').RemoteFile} file */
  progress(file) {
    const loaded = this.remote.reduce((sum, f) => sum + Math.min(f.have, f.implied ?? 0), 0);
    this.onDownload({ loaded, total: this.total, file: file.path });
  }

  /** @param {import('./file.js').RemoteFile} file @returns {Promise<{writer?: any, file?: File}>} */
  async acquire(file) {
    // Once for the whole model, when the first weight is read: by then every header is known.
    await (this.decided ??= this.#decide());
    if (this.why !== null || this.keep instanceof NoKeep) return {};
    const onSize = (/** @type {number} */ bytes) => {
      file.have = Math.max(file.have, bytes);
      this.progress(file);
    };
    const got = await this.keep.acquire(file.path, file.header, file.meta, { signal: this.signal, onSize });
    if (got.why) this.why ??= got.why;
    return got;
  }

  async #decide() {
    if (this.why !== null || this.keep instanceof NoKeep) return;
    this.why = await this.keep.noRoom(Math.max(0, this.total - (await this.here())));
  }

  /** @param {import('./file.js').RemoteFile} file @param {Error} error */
  full(file, error) {
    this.why = `no room: ${error.message}`;
    if (!(this.keep instanceof NoKeep)) void this.keep.drop(file.path);
  }

  /** What was kept of a file is of no use. @param {import('./file.js').RemoteFile} file */
  async spoilt(file) {
    file.close();
    if (!(this.keep instanceof NoKeep)) await this.keep.drop(file.path);
  }

  /** Whether the next visit finds everything here; else why not. @returns {{kept: 'opfs' | 'no', keptWhy: string}} */
  get kept() {
    if (this.why !== null) return { kept: 'no', keptWhy: this.why };
    const open = this.remote.filter((file) => !file.complete);
    if (open.length > 0) return { kept: 'no', keptWhy: `${open[0].path} is still being downloaded` };
    return { kept: 'opfs', keptWhy: '' };
  }

  /** Bytes that are here of files that are not complete. */
  async here() {
    if (this.keep instanceof NoKeep) return 0;
    let sum = 0;
    for (const file of this.remote) sum += (await this.keep.weights(file.path))?.file.size ?? 0;
    return sum;
  }

  /** The rest of every file that is kept; in the background of the first pictures. */
  async finish() {
    for (const file of this.remote) await file.finish();
  }

  close() {
    for (const file of this.remote) file.close();
  }
}
