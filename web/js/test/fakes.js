// A host, a private file system and a drop, as small as the tests need them.

import { Http } from '../source/http.js';

/** @param {Record<string, number>} tensors bytes of each */
export function safetensors(tensors, seed = 1) {
  const header = {};
  let end = 0;
  for (const [name, bytes] of Object.entries(tensors)) {
    header[name] = { dtype: 'U8', shape: [bytes], data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  for (let i = 8 + json.length, x = seed; i < file.length; i += 1) file[i] = (x = (x * 1103515245 + 12345) % 2 ** 31) >> 16;
  return file;
}

/**
 * `fetch` of one host. Options: `ranges: false` answers 200 to a range; `cut(n)` bytes after which answer number n breaks; `etag(n)`;
 * `file(n)` another version; `end(n)` bytes after which an answer ends as if it were whole.
 */
export function host(files, options = {}) {
  const asked = [];
  let n = 0;
  const fetch = async (url, { headers = {}, signal } = {}) => {
    n += 1;
    asked.push(`${new URL(url).pathname} ${headers.Range ?? ''}`.trim());
    if (options.away?.(n)) throw new TypeError('Failed to fetch');
    for (const name of Object.keys(headers)) if (name !== 'Range') throw new Error(`a preflight for ${name}`);
    const status = options.status?.(n);
    if (status) return new Response('no', { status });
    const file = options.file?.(n) ?? files[new URL(url).pathname.slice(1)];
    if (!file) return new Response('none', { status: 404 });
    const told = { ...(options.etag ? { ETag: options.etag(n) } : {}), ...(options.type ? { 'Content-Type': options.type } : {}) };
    const range = options.ranges === false ? null : /^bytes=(\d+)-(\d+)$/.exec(headers.Range ?? '');
    if (range && Number(range[1]) >= file.length) return new Response(null, { status: 416 });
    const bytes = range ? file.subarray(Number(range[1]), Math.min(file.length, Number(range[2]) + 1)) : file;
    return new Response(body(bytes, options.cut?.(n) ?? Infinity, options.end?.(n) ?? Infinity, signal), { status: range ? 206 : 200, headers: told });
  };
  const abort = new AbortController();
  const pauses = [];
  const http = new Http(abort.signal, { fetch, pause: async (ms) => void pauses.push(ms) });
  return { http, asked, pauses, abort };
}

function body(bytes, cut, end, signal) {
  let at = 0;
  const last = Math.min(bytes.length, cut, end);
  return new ReadableStream({
    // As browsers' bodies are: read into the reader's buffer, which is taken away meanwhile.
    type: 'bytes',
    pull(controller) {
      if (signal?.aborted) return controller.error(signal.reason);
      if (at < last) {
        const next = Math.min(at + 1000, last);
        controller.enqueue(new Uint8Array(bytes.subarray(at, next)));
        at = next;
        return undefined;
      }
      if (cut <= end && cut < bytes.length) return controller.error(new TypeError('network error'));
      controller.close();
      return controller.byobRequest?.respond(0);
    },
  });
}

/** A shelf that keeps in memory, or not at all. */
export function shelf({ keeps = true, start = new Uint8Array(0), room = Infinity } = {}) {
  const bytes = [...start];
  const writer = keeps && {
    size: start.length,
    handle: { flush() {} },
    append(part) {
      if (bytes.length + part.length > room) throw new Error('quota');
      bytes.push(...part);
      this.size = bytes.length;
    },
    read: (at, into) => into.set(bytes.slice(at, at + into.length)),
    close() {
      this.closed = true;
    },
  };
  return {
    bytes, writer, seen: [], why: null, lost: false,
    acquire: async () => (writer ? { writer } : {}),
    progress(file) { this.seen.push(file.have); },
    full(file, error) { this.why = error.message; },
    async spoilt() { this.lost = true; },
  };
}

/** An entry of a drop. @param {string} name @param {any} inside text of a file, or children */
export function entry(name, inside) {
  if (typeof inside === 'string') {
    return { name, isFile: true, isDirectory: false, file: (ok) => ok({ name, size: inside.length }) };
  }
  const children = Object.entries(inside).map(([child, within]) => entry(child, within));
  return {
    name, isFile: false, isDirectory: true,
    createReader() {
      let at = 0;
      // A hundred at a time, as browsers do.
      return { readEntries: (ok) => ok(children.slice(at, (at += 100))) };
    },
  };
}
