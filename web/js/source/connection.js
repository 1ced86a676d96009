// The page's end of a worker: starts it, numbers calls, and turns answers into promises.

import { OnelaunchError, aborted, unpack } from './errors.js';

/** Milliseconds that a stopped worker gets to write down what it has of a download. */
const GRACE = 1000;

/**
 * A worker from the package's own folder, or from elsewhere. Must be run in a page.
 * @param {string | URL | undefined} workerUrl
 * @param {() => Worker} literal makes the package's own worker; in the package's entry, where bundlers look for it
 * @param {string} here address of the package's entry
 * @returns {{worker: Worker, url: string, release: () => void}}
 */
function start(workerUrl, literal, here) {
  // Not written as a literal with import.meta.url: bundlers would copy the file a second time.
  const url = new URL(workerUrl ?? './worker.js', workerUrl ? document.baseURI : here);
  if (!workerUrl && url.origin === location.origin) return { worker: literal(), url: url.href, release: () => {} };
  if (url.origin === location.origin) return { worker: new Worker(url, { type: 'module' }), url: url.href, release: () => {} };
  // A worker of another origin is a SecurityError; a worker of ours that imports it is not. This is what `blob:` in a CSP is for.
  const script = new Blob([`import ${JSON.stringify(url.href)};`], { type: 'text/javascript' });
  const blob = URL.createObjectURL(script);
  return { worker: new Worker(blob, { type: 'module' }), url: url.href, release: () => URL.revokeObjectURL(blob) };
}

export class Connection {
  /**
   * @param {{workerUrl?: string | URL, wasmUrl?: string | URL}} options
   * @param {{build: string, literal: () => Worker, here: string}} own
   */
  constructor({ workerUrl, wasmUrl }, { build, literal, here }) {
    if (typeof Worker === 'undefined' || typeof document === 'undefined') {
      throw new OnelaunchError('Unsupported', 'pictures are made in a page: this environment has no workers');
    }
    /** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void, onEvent?: (event: any) => void}>} */
    this.calls = new Map();
    this.last = 0;
    /** Why no call can be answered any more. @type {OnelaunchError | null} */
    this.dead = null;
    /** @type {(state: any) => void} */
    this.onKept = () => {};
    const { worker, url, release } = start(workerUrl, literal, here);
    this.worker = worker;
    this.release = release;
    worker.onmessage = ({ data }) => this.#heard(data);
    worker.onmessageerror = () => this.#die(new OnelaunchError('Internal', 'a message of the worker could not be read: load again'));
    worker.onerror = (event) => {
      event.preventDefault?.();
      const what = event.message
        ? `the worker failed (${event.message}): load the pipeline again, and please report this`
        : `the worker ${url} could not be started: see that it and the files beside it are served, and that the page's Content-Security-Policy allows them`;
      this.#die(new OnelaunchError('Internal', what));
    };
    this.hello = this.call('hello', { build, wasmUrl: wasmUrl === undefined ? undefined : new URL(wasmUrl, document.baseURI).href });
    // Every later call waits for it and fails with it.
    this.hello.then(release, release);
  }

  /**
   * @param {string} type @param {object} data
   * @param {{signal?: AbortSignal, onEvent?: (event: any) => void, transfer?: Transferable[]}} [how]
   * @returns {Promise<any>}
   */
  async call(type, data, { signal, onEvent, transfer = [] } = {}) {
    if (type !== 'hello') await this.hello;
    if (signal?.aborted) throw aborted(signal.reason);
    if (this.dead) throw this.dead;
    const id = (this.last += 1);
    const stop = () => this.worker.postMessage({ id, type: 'abort' });
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.calls.set(id, { resolve, reject, onEvent });
        this.worker.postMessage({ id, type, ...data }, transfer);
      });
    } finally {
      this.calls.delete(id);
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Rejects what is pending, and ends the worker. @param {OnelaunchError} [error] */
  close(error = aborted()) {
    if (this.dead) return;
    for (const id of this.calls.keys()) this.worker.postMessage({ id, type: 'abort' });
    this.#die(error, GRACE);
  }

  /** @param {any} data */
  #heard(data) {
    if (data.kept) return this.onKept(data.kept);
    const call = this.calls.get(data.id);
    if (!call) return undefined;
    if (data.error) return call.reject(unpack(data.error));
    if (!('event' in data)) return call.resolve(data.value);
    try {
      return call.onEvent?.(data.event);
    } catch (error) {
      // A callback of the caller: its fault is reported where theirs are, and does not stop the picture.
      return reportError(error);
    }
  }

  /** @param {OnelaunchError} error @param {number} [grace] */
  #die(error, grace = 0) {
    this.dead ??= error;
    for (const { reject } of this.calls.values()) reject(this.dead);
    this.calls.clear();
    this.release();
    if (grace > 0) {
      this.worker.postMessage({ id: 0, type: 'close' });
      setTimeout(() => this.worker.terminate(), grace);
    } else this.worker.terminate();
  }
}
