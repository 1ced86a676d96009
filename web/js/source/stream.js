// One file on a host as a stream that can be picked up again: where it is cut, reading goes on by a range from the original address, or by
// a plain stream whose beginning is thrown away where the host ignores ranges.

import { Chunks } from './chunks.js';
import { OnelaunchError, aborted } from './errors.js';
import { compatible, missing, refused, totalOf, validators } from './http.js';
import { same } from './safetensors.js';

/** Bytes that are asked for a second time when a stream is picked up, to see that it is still the same file. */
const OVERLAP = 4096;

/** The file was replaced on the host while it was read. @param {string} url */
export function changed(url) {
  const error = new OnelaunchError('Download', `${url}: the file was replaced on the host while it was read: load again`);
  error.changed = true;
  return error;
}

/** @param {string} url @param {number} at @param {number} length */
function shorter(url, at, length) {
  return new OnelaunchError('BadModel', `${url}: ends after ${at} bytes, and its header says ${length}: put the whole file on the host`);
}

export class Stream {
  /**
   * @param {import('./http.js').Http} http @param {string} url
   * @param {number} length the file's, which its header implies
   * @param {object} known validators that every answer must agree with
   */
  constructor(http, url, length, known) {
    this.http = http;
    this.url = url;
    this.length = length;
    this.known = known;
    this.at = 0;
    /** @type {Chunks | null} */
    this.reader = null;
    /** @type {Uint8Array | null} what came and was not taken */
    this.rest = null;
    this.tail = new Uint8Array(0);
    /** Where a body ended too early, but as if it were whole. */
    this.endedAt = -1;
  }

  /** Takes over a body that is already open at `at`. @param {Chunks} reader @param {number} at @param {Uint8Array} tail the bytes before it */
  adopt(reader, at, tail) {
    this.reader = reader;
    this.seek(at, tail, true);
  }

  /** Goes elsewhere. @param {number} at @param {Uint8Array} tail the bytes before it, as far as they are known @param {boolean} [open] keeps the open body */
  seek(at, tail = new Uint8Array(0), open = false) {
    if (!open) this.close();
    this.at = at;
    this.rest = null;
    this.tail = tail.slice(-OVERLAP);
  }

  /** Lets go of the connection. */
  close() {
    this.reader?.cancel();
    this.reader = null;
  }

  /** At least one and at most `most` bytes that follow; valid until the next call. @param {number} most @returns {Promise<Uint8Array>} */
  async next(most) {
    for (let failures = 0; ; ) {
      let cause;
      try {
        if (!this.rest) {
          if (!this.reader) await this.#connect();
          this.rest ??= await this.#chunk();
        }
        if (this.rest) return this.#take(Math.min(most, this.length - this.at));
        // An end without an error, twice at one place, is the end of the file.
        if (this.endedAt === this.at) throw shorter(this.url, this.at, this.length);
        this.endedAt = this.at;
      } catch (error) {
        if (this.http.signal.aborted) throw aborted(this.http.signal.reason);
        if (error instanceof OnelaunchError && !error.network) throw error;
        cause = error;
      }
      // Cut, or ended too early: picked up where it stopped.
      this.close();
      failures += 1;
      if (failures >= this.http.tries) {
        throw new OnelaunchError(
          'Download',
          `${this.url}: cut after ${this.at} of ${this.length} bytes, ${failures} times: load again, it goes on from what was kept`,
          { cause },
        );
      }
      await this.http.rest(failures);
    }
  }

  /** Whether the host's file ends where its header says. Called once, when everything was taken. */
  async endsHere() {
    const extra = this.rest ?? (this.reader ? await this.#chunk().catch(() => null) : null);
    this.close();
    return !extra;
  }

  /** @param {number} most */
  #take(most) {
    const rest = /** @type {Uint8Array} */ (this.rest);
    const bytes = rest.subarray(0, most);
    this.rest = rest.length > most ? rest.subarray(most) : null;
    this.at += bytes.length;
    this.#remember(bytes);
    return bytes;
  }

  /** @param {Uint8Array} bytes */
  #remember(bytes) {
    if (bytes.length >= OVERLAP) {
      this.tail = bytes.slice(-OVERLAP);
      return;
    }
    const kept = this.tail.subarray(Math.max(0, this.tail.length + bytes.length - OVERLAP));
    const tail = new Uint8Array(kept.length + bytes.length);
    tail.set(kept);
    tail.set(bytes, kept.length);
    this.tail = tail;
  }

  async #chunk() {
    return /** @type {Chunks} */ (this.reader).next();
  }

  async #connect() {
    const from = this.at - this.tail.length;
    // One byte more than there should be: a file that is longer than its header says is found out without reading Content-Range.
    const response = await this.http.get(this.url, { start: from, end: this.length + 1, tries: 1 });
    const total = totalOf(response);
    if (missing(response) || !compatible(this.known, validators(response)) || (total !== null && total !== this.length)) {
      await response.body?.cancel();
      throw changed(this.url);
    }
    if (response.status === 416) {
      throw shorter(this.url, this.at, this.length);
    }
    if ((response.status !== 206 && response.status !== 200) || !response.body) {
      await response.body?.cancel();
      // A passing trouble of the host counts as a cut.
      if (response.status >= 500 || response.status === 429) throw new Error(`the host answers ${response.status}`);
      throw refused(this.url, response);
    }
    this.reader = new Chunks(response.body);
    await this.#skip(response.status === 206 ? 0 : from);
    const again = await this.#exactly(this.tail.length);
    if (!same(again, this.tail)) throw changed(this.url);
  }

  /** @param {number} bytes */
  async #skip(bytes) {
    while (bytes > 0) {
      const chunk = this.rest ?? (await this.#chunk());
      if (!chunk) throw new Error('ended early');
      this.rest = chunk.length > bytes ? chunk.subarray(bytes) : null;
      bytes -= Math.min(bytes, chunk.length);
    }
  }

  /** @param {number} count */
  async #exactly(count) {
    const out = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const chunk = this.rest ?? (await this.#chunk());
      if (!chunk) throw new Error('ended early');
      const part = chunk.subarray(0, count - at);
      out.set(part, at);
      at += part.length;
      this.rest = chunk.length > part.length ? chunk.subarray(part.length) : null;
    }
    return out;
  }
}
