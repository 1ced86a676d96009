// Bodies piece by piece, each given back as soon as it was looked at: a gigabyte of small arrays is more than the collector keeps up with.
// Not through one buffer of our own ("byob"): Chromium now and then loses the end of such a stream, and waits for ever.

export class Chunks {
  /** @param {ReadableStream<Uint8Array>} body */
  constructor(body) {
    this.reader = body.getReader();
    /** @type {Uint8Array | null} */
    this.last = null;
  }

  /** What comes next, valid until the next call; `null` at the end. @returns {Promise<Uint8Array | null>} */
  async next() {
    for (;;) {
      giveBack(this.last);
      this.last = null;
      const { done, value } = await this.reader.read();
      if (done) return null;
      this.last = value;
      if (value.length > 0) return value;
    }
  }

  cancel() {
    this.reader.cancel().catch(() => {});
  }
}

/** @type {MessagePort | null} leads nowhere */
let nowhere = null;

/**
 * Frees an array's memory now instead of when the collector comes by: what is moved to a closed port is gone. Of a stream of 1 GiB that is
 * +30 MB of process memory instead of +190 (Chromium; `transfer(0)` frees nothing before a collection).
 * @param {Uint8Array | null} bytes
 */
export function giveBack(bytes) {
  if (!bytes || bytes.byteLength === 0 || bytes.byteLength !== bytes.buffer.byteLength) return;
  if (!nowhere) {
    const channel = new MessageChannel();
    channel.port2.close();
    nowhere = channel.port1;
  }
  nowhere.postMessage(null, [/** @type {ArrayBuffer} */ (bytes.buffer)]);
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
