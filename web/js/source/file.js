// A safetensors file as wasm reads it: on a host, with what passes by kept on the way, or kept here already, or a local file. wasm asks
// for pieces in ascending order; one pass over the network serves it and the private file system both.

import { Piece, giveBack } from './chunks.js';
import { OnelaunchError } from './errors.js';
import { read } from './keep.js';
import { Stream } from './stream.js';

/** Bytes that are skipped by reading on instead of by a new request. */
const NEAR = 1 << 20;

/** Bytes of a local file that are read at once: a model is thousands of small tensors, and opening a part of a file takes its time. */
const WINDOW = 512 << 10;

/** A file that is completely here. */
export class LocalFile {
  /** @param {Blob} file @param {Uint8Array} header */
  constructor(file, header) {
    this.file = file;
    this.header = header;
    this.length = file.size;
    /** Bytes from `start` on. */
    this.window = { start: 0, bytes: new Uint8Array(0) };
    /** Reads that are not over. */
    this.open = 0;
  }
  /** Exactly these bytes, valid until the next call. @param {number} start @param {number} end */
  async read(start, end) {
    this.open += 1;
    try {
      const { window } = this;
      if (start >= window.start && end <= window.start + window.bytes.length) return window.bytes.subarray(start - window.start, end - window.start);
      const alone = this.open === 1;
      const bytes = await read(this.file, start, alone ? Math.max(end, Math.min(start + WINDOW, this.length)) : end);
      if (bytes.length < end - start) throw new Error(`it ends after ${start + bytes.length} bytes`);
      if (alone) {
        giveBack(window.bytes);
        this.window = { start, bytes };
      }
      return bytes.subarray(0, end - start);
    } catch (cause) {
      throw new OnelaunchError('Download', 'a local file changed or went away while it was read: load it again', { cause });
    } finally {
      this.open -= 1;
    }
  }
  async finish() {}
  close() {}
}

export class RemoteFile {
  /**
   * @param {import('./http.js').Http} http @param {string} url @param {string} path
   * @param {import('./head.js').Head} head @param {number | null} length
   * @param {Shelf} shelf where it may be kept
   * @param {object} meta what is noted beside a kept file
   */
  constructor(http, url, path, head, length, shelf, meta) {
    this.path = path;
    this.url = url;
    this.header = head.header;
    this.length = length;
    this.implied = head.implied;
    this.shelf = shelf;
    this.meta = meta;
    this.head = head.bytes;
    /** Bytes from the start that were received, or were here. */
    this.have = 0;
    this.complete = false;
    /** @type {import('./keep-writer.js').Writer | null} */
    this.writer = null;
    /** @type {LocalFile | null} */
    this.local = null;
    this.stream = new Stream(http, url, head.implied ?? head.bytes.length, head.known);
    if (head.reader) this.stream.adopt(head.reader, head.bytes.length, head.bytes);
    else this.stream.seek(head.bytes.length, head.bytes);
    /** @type {Promise<void> | null} */
    this.begun = null;
    this.turn = Promise.resolve();
    this.piece = new Piece();
    /** Reads that are not over. */
    this.open = 0;
  }

  /** Exactly these bytes, valid until the next call. @param {number} start @param {number} end @returns {Promise<Uint8Array>} */
  read(start, end) {
    const out = this.piece.take(end - start, this.open === 0);
    this.open += 1;
    // One at a time: the stream has one position.
    const result = this.turn.then(() => this.#read(start, end, out)).finally(() => (this.open -= 1));
    this.turn = result.then(() => {}, () => {});
    return result;
  }

  /** @param {number} start @param {number} end @param {Uint8Array} out */
  async #read(start, end, out) {
    if (end > this.stream.length) throw new OnelaunchError('BadModel', `${this.url}: bytes ${start} to ${end} are beyond its end`);
    await (this.begun ??= this.#begin());
    if (this.local) return this.local.read(start, end);
    let at = start;
    if (this.writer) {
      while (this.writer && this.writer.size < start) await this.#pass(start - this.writer.size);
      // The room may have run out on the way.
      if (this.writer && this.writer.size > at) {
        const before = Math.min(end, this.writer.size);
        this.writer.read(start, out.subarray(0, before - start));
        at = before;
      }
    } else if (start < this.head.length) {
      const before = Math.min(end, this.head.length);
      out.set(this.head.subarray(start, before));
      at = before;
    }
    if (at < end) await this.#goTo(at);
    while (at < end) {
      const bytes = await this.#pass(end - at);
      out.set(bytes, at - start);
      at += bytes.length;
    }
    return out;
  }

  /** Takes the place to write, where files are kept. */
  async #begin() {
    const { implied, shelf } = this;
    const got = implied === null ? {} : await shelf.acquire(this);
    if (got.file) {
      this.local = new LocalFile(got.file, this.header);
      this.complete = true;
      this.stream.close();
    } else if (got.writer) {
      this.writer = got.writer;
      const [size, head] = [got.writer.size, this.head];
      if (size < head.length) this.#keep(head.subarray(size));
      else if (size > head.length) {
        const tail = new Uint8Array(Math.min(size, 4096));
        got.writer.read(size - tail.length, tail);
        this.stream.seek(size, tail);
      }
    }
    this.#count(Math.max(this.writer?.size ?? 0, this.local ? this.stream.length : this.head.length));
    // A file as short as what came with its header has nothing left to pass.
    if (!this.local && this.stream.at >= this.stream.length) await this.#end();
  }

  /** The stream at a position. Only without a writer does it jump: what is kept must have no holes. @param {number} at */
  async #goTo(at) {
    const gap = at - this.stream.at;
    if (gap === 0) return;
    if (gap < 0 || gap > NEAR) this.stream.seek(at);
    else while (this.stream.at < at) await this.#pass(at - this.stream.at);
  }

  /** The next bytes of the stream, kept and counted. @param {number} most */
  async #pass(most) {
    const bytes = await this.stream.next(most).catch(async (error) => {
      // The beginning that was kept is of another version: without it the next try can start over.
      if (error.changed) await this.shelf.spoilt(this);
      throw error;
    });
    if (this.writer) this.#keep(bytes);
    this.#count(this.stream.at);
    if (this.stream.at < this.stream.length) return bytes;
    // The end looks for more, which would take the buffer away.
    const last = bytes.slice();
    await this.#end();
    return last;
  }

  /** @param {Uint8Array} bytes */
  #keep(bytes) {
    try {
      /** @type {import('./keep-writer.js').Writer} */ (this.writer).append(bytes);
    } catch (error) {
      // Full, whatever the estimate said: the room is given back, and loading goes on without keeping.
      this.writer?.close();
      this.writer = null;
      this.shelf.full(this, /** @type {Error} */ (error));
    }
  }

  /** @param {number} have */
  #count(have) {
    if (have <= this.have) return;
    this.have = have;
    this.shelf.progress(this);
  }

  async #end() {
    if (this.head.length > this.stream.length || !(await this.stream.endsHere())) {
      await this.shelf.spoilt(this);
      throw new OnelaunchError('BadModel', `${this.url}: longer than its header says (${this.stream.length} bytes): put the right file on the host`);
    }
    this.complete = this.writer?.size === this.stream.length;
    if (this.complete) this.writer?.handle.flush();
  }

  /** What wasm did not ask for, so that the kept file is whole. Nothing to do for what was never read or is not kept. */
  finish() {
    const rest = async () => {
      while (this.writer && this.writer.size < this.stream.length) await this.#pass(this.stream.length - this.writer.size);
      this.close();
    };
    const result = this.turn.then(rest);
    this.turn = result.then(() => {}, () => {});
    return result;
  }

  /** Lets go of connection and lock; what was kept stays for next time. */
  close() {
    this.stream.close();
    this.writer?.close();
    this.writer = null;
  }
}

/** @typedef {import('./shelf.js').Shelf} Shelf */
