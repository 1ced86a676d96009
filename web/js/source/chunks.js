// A body piece by piece, through one buffer where the browser can: a gigabyte of small arrays is a gigabyte of work for the collector, and
// memory grows while it lags behind.

const BUFFER = 256 * 1024;

export class Chunks {
  /** @param {ReadableStream<Uint8Array>} body */
  constructor(body) {
    /** @type {ArrayBuffer | null} */
    this.buffer = null;
    /** @type {any} */
    this.reader = null;
    try {
      this.reader = /** @type {any} */ (body).getReader({ mode: 'byob' });
      this.buffer = new ArrayBuffer(BUFFER);
    } catch {
      // Not a stream of bytes in this browser.
      this.reader = body.getReader();
    }
  }

  /** What comes next, valid until the next call; `null` at the end. @returns {Promise<Uint8Array | null>} */
  async next() {
    for (;;) {
      const { done, value } = await (this.buffer ? this.reader.read(new Uint8Array(this.buffer)) : this.reader.read());
      if (this.buffer && value) this.buffer = value.buffer;
      if (done) return null;
      if (value.length > 0) return value;
    }
  }

  cancel() {
    this.reader.cancel().catch(() => {});
  }
}

/** All bytes of a body, if they are at most so many; else `null`. @param {ReadableStream<Uint8Array>} body @param {number} most @returns {Promise<Uint8Array | null>} */
export async function gather(body, most) {
  const chunks = new Chunks(body);
  const parts = [];
  let size = 0;
  for (let chunk; (chunk = await chunks.next()); ) {
    size += chunk.length;
    if (size > most) {
      chunks.cancel();
      return null;
    }
    parts.push(chunk.slice());
  }
  return joined(parts, size);
}

/** @param {Uint8Array[]} parts @param {number} size */
export function joined(parts, size) {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Bytes of a file into an array of that length. @param {Blob} file @param {number} start @param {Uint8Array} into */
export async function readInto(file, start, into) {
  const chunks = new Chunks(file.slice(start, start + into.length).stream());
  let at = 0;
  for (let chunk; (chunk = await chunks.next()); at += chunk.length) into.set(chunk, at);
  if (at !== into.length) throw new Error(`ended after ${start + at} bytes`);
}

/** A buffer that is used again for every piece, as long as they are asked for one after the other. */
export class Piece {
  constructor() {
    this.buffer = new Uint8Array(0);
  }
  /** @param {number} length @param {boolean} alone nobody else may still look at the last piece */
  take(length, alone) {
    if (!alone) return new Uint8Array(length);
    if (this.buffer.length < length) this.buffer = new Uint8Array(length);
    return this.buffer.subarray(0, length);
  }
}
