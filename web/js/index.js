// The API of a page: models are loaded and pictures made in a worker; here are promises, callbacks and canvases.

import { Connection } from './source/connection.js';
import { describe } from './source/describe.js';
import { OnelaunchError, aborted } from './source/errors.js';
import { connect, painter } from './source/paint.js';
import { plainSeed, requestOf } from './source/request.js';
import { optionsOf, progressOf } from './source/options.js';

export { OnelaunchError };

/** The build these files are of. */
const BUILD = '__ONELAUNCH_VERSION__';
const OWN = {
  build: BUILD,
  here: import.meta.url,
  // Bundlers recognise exactly this expression.
  literal: () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
};
/** Milliseconds that the worker of plans is kept for the next one. */
const IDLE = 15_000;

/** @type {{connection: Connection, key: string, timer: any} | null} */
let spare = null;

/** @param {any} options */
const keyOf = ({ workerUrl = '', wasmUrl = '' }) => `${workerUrl} ${wasmUrl}`;

/** A worker without a model: for plans, and for recipes of pictures. @param {any} options */
function spareConnection(options) {
  const key = keyOf(options);
  if (spare && (spare.key !== key || spare.connection.dead)) dismiss();
  spare ??= { connection: new Connection(options, OWN), key, timer: 0 };
  clearTimeout(spare.timer);
  spare.timer = setTimeout(dismissIdle, IDLE);
  return spare.connection;
}

/** The worker of a plan goes on with its model: wasm is compiled there already. @param {any} options */
function takeSpare(options) {
  if (!spare || spare.key !== keyOf(options) || spare.connection.dead || spare.connection.calls.size > 0) return null;
  clearTimeout(spare.timer);
  const { connection } = spare;
  spare = null;
  return connection;
}

function dismissIdle() {
  if (spare && spare.connection.calls.size > 0) spare.timer = setTimeout(dismissIdle, IDLE);
  else dismiss();
}

function dismiss() {
  clearTimeout(spare?.timer);
  spare?.connection.close();
  spare = null;
}

export class Pipeline {
  /** @type {Connection} */ #connection;
  /** @type {Promise<unknown>} the last call in the queue */ #queue = Promise.resolve();
  /** @type {any} */ #loaded;
  /** @type {any} */ #options;

  /** @param {Connection} connection @param {any} loaded @param {any} options */
  constructor(connection, loaded, options) {
    this.#connection = connection;
    this.#loaded = loaded;
    this.#options = options;
    connection.onKept = (kept) => Object.assign(this.#loaded, kept);
  }

  /** @param {any} source @param {any} [options] @returns {Promise<Pipeline>} */
  static async load(source, options = {}) {
    const { signal } = options;
    // Before anything is awaited: the items of a drop live no longer than its event.
    const described = describe(source, options, globalThis.document?.baseURI);
    const place = await described;
    if (signal?.aborted) throw aborted(signal.reason);
    const connection = takeSpare(options) ?? new Connection(options, OWN);
    // A load is stopped at once, with its worker: nobody else uses that.
    const stop = () => connection.close(aborted(signal.reason));
    signal?.addEventListener('abort', stop, { once: true });
    try {
      const data = { place, options: optionsOf(options), debug: options.debug };
      const progress = progressOf(options);
      const onEvent = (/** @type {any} */ event) => (event.type === 'connect' ? connect(event.bitmap) : progress(event));
      const loaded = await connection.call('load', data, { onEvent });
      return new Pipeline(connection, loaded, options);
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** @param {any} source @param {any} [options] @returns {Promise<any>} */
  static async plan(source, options = {}) {
    const place = await describe(source, options, globalThis.document?.baseURI);
    return spareConnection(options).call('plan', { place, options: optionsOf(options) }, { signal: options.signal });
  }

  get backend() { return this.#loaded.backend; }
  get why() { return this.#loaded.why; }
  get caps() { return this.#loaded.caps; }
  get model() { return this.#loaded.model; }
  get kept() { return this.#loaded.kept; }
  get keptWhy() { return this.#loaded.keptWhy; }

  /** @param {any} asked @returns {Promise<any>} */
  async generate(asked) {
    const request = requestOf(asked);
    const paint = asked.canvas ? painter(asked.canvas) : null;
    const { signal } = asked;
    if (this.#connection.dead) throw this.#connection.dead;
    const made = await this.#next(signal, () => this.#connection.call('generate', { request }, { signal, onEvent: this.#events(asked, paint, request) }));
    const images = made.images.map((/** @type {Uint8ClampedArray<ArrayBuffer>} */ rgba) => new ImageData(rgba, made.width, made.height));
    return {
      images,
      blob: this.#blobs(images, made.recipes),
      seed: plainSeed(request.seed),
      timings: made.timings,
      backend: made.backend,
      adapter: made.adapter,
      recipes: made.recipes,
      kept: this.kept,
      keptWhy: this.keptWhy,
    };
  }

  /** Ends the worker and gives everything back; what is pending is rejected with `Aborted`. */
  free() {
    this.#connection.close(new OnelaunchError('Aborted', 'the pipeline was freed'));
  }

  /** For tests, with `debug: true`. */
  get debug() {
    if (!this.#options.debug) return undefined;
    const call = (/** @type {string} */ type, data = {}) => this.#connection.call(type, data);
    return {
      destroyDevice: () => call('destroy'),
      kernels: (/** @type {any} */ asked) => call('kernels', { request: requestOf(asked) }),
    };
  }

  /** Runs a call when those before it are over; who aborts while waiting does not wait. @template T @param {AbortSignal | undefined} signal @param {() => Promise<T>} call @returns {Promise<T>} */
  #next(signal, call) {
    if (signal?.aborted) return Promise.reject(aborted(signal.reason));
    const before = this.#queue;
    return new Promise((resolve, reject) => {
      const stop = () => reject(aborted(signal?.reason));
      signal?.addEventListener('abort', stop, { once: true });
      const run = async () => {
        await before;
        signal?.removeEventListener('abort', stop);
        await call().then(resolve, reject);
      };
      this.#queue = run();
    });
  }

  /** @param {any} asked @param {ReturnType<typeof painter> | null} paint @param {any} request */
  #events(asked, paint, request) {
    const width = request.width ?? this.model?.width;
    const height = request.height ?? this.model?.height;
    // Kernels of a new size are compiled now: heard where the caller listens, be it at the load.
    const progress = progressOf({ ...this.#options, ...asked });
    let step = 0;
    return (/** @type {any} */ event) => {
      if (event.type === 'step') {
        step = event.done;
        asked.onStep?.({ step, of: event.total, pictures: event.pictures });
      } else if (event.type === 'preview') {
        const { bitmap } = event;
        const told = { step, width: event.width, height: event.height };
        if (paint) paint(bitmap, width ?? event.width, height ?? event.height);
        if (asked.onPreview) asked.onPreview(paint ? told : { ...told, bitmap });
        else if (!paint) bitmap.close();
      } else if (event.type === 'picture') {
        const { bitmap } = event;
        // The canvas shows the first of several.
        if (paint && event.index === 0 && bitmap) paint(bitmap, bitmap.width, bitmap.height);
        else bitmap?.close();
      } else progress(event);
    };
  }

  /** @param {ImageData[]} images @param {any[]} recipes */
  #blobs(images, recipes) {
    /** @type {Map<number, Promise<Blob>>} */
    const made = new Map();
    return (i = 0) => {
      const image = images[i];
      if (!image) return Promise.reject(new OnelaunchError('BadRequest', `there are ${images.length} pictures; there is no number ${i}`));
      // Pictures outlive their pipeline.
      const connection = this.#connection.dead ? spareConnection(this.#options) : this.#connection;
      const data = { rgba: new Uint8Array(image.data.buffer), width: image.width, height: image.height, recipe: recipes[i] };
      if (!made.has(i)) made.set(i, connection.call('png', data).then((bytes) => new Blob([bytes], { type: 'image/png' })));
      return made.get(i);
    };
  }
}

/** The recipe in a PNG that onelaunch made. @param {Blob} file @param {any} [options] @returns {Promise<any>} */
export async function readRecipe(file, options = {}) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return spareConnection(options).call('recipe', { bytes }, { transfer: [bytes.buffer] });
}

/** Deletes every model that is kept on this device; what other tabs are reading stays until they are done. */
export async function forget() {
  const root = await navigator.storage?.getDirectory?.();
  await root?.removeEntry('onelaunch', { recursive: true }).catch((error) => {
    if (error.name === 'NotFoundError') return;
    throw new OnelaunchError('Download', `kept files cannot be deleted now (${error.message}): close other tabs of this site, or wait for the download`, { cause: error });
  });
}
