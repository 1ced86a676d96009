// What the worker answers. A message is { id, type, … }; its answer { id, value } or { id, error }; in between come { id, event }.
// Signals cannot be cloned to a worker: `abort` with the id of a call ends it.

import { OnelaunchError, aborted, pack, typed } from './errors.js';
import { blank, drawn, own, steady } from './events.js';
import { openPlace } from './place.js';
import { turn } from './turn.js';

/** @param {{build: string, wasm: URL, init: any, Engine: any, Signal: any, png: any, readRecipe: any, version: () => string}} parts */
export function serve(parts) {
  const post = (/** @type {any} */ message, transfer = []) => /** @type {any} */ (globalThis).postMessage(message, transfer);
  /** @type {Map<number, {abort: () => void}>} */
  const running = new Map();
  /** @type {Promise<void> | null} */
  let ready = null;
  /** @type {any} */
  let engine = null;
  /** @type {import('./shelf.js').Shelf | null} what the model of this worker is kept in */
  let shelf = null;

  const verbs = {
    /** Both sides must be of one build: a page may hold an old copy of either. */
    async hello({ build, wasmUrl }) {
      if (build !== parts.build) throw mismatch(`the page has build ${build}, the worker ${parts.build}`);
      ready ??= parts.init({ module_or_path: wasmUrl ? new URL(wasmUrl) : parts.wasm });
      await /** @type {Promise<void>} */ (ready).catch((cause) => {
        throw new OnelaunchError(
          'Internal',
          `${wasmUrl ?? parts.wasm} could not be started (${cause.message}): see that it is served, and that a Content-Security-Policy has 'wasm-unsafe-eval' in script-src`,
          { cause },
        );
      });
      const of = parts.version();
      // Unstamped files are those of a source tree, where there is nothing to compare.
      if (!build.startsWith('__') && !of.includes(build)) throw mismatch(`the worker has build ${build}, the wasm ${of}`);
      return { version: of };
    },

    async load({ place, options, debug }, job) {
      const events = steady(job.event);
      for (let again = false; ; again = true) {
        const opened = await openPlace(place, { signal: job.signal, onDownload: (state) => events({ type: 'download', ...state }) });
        shelf = opened.shelf;
        try {
          engine = await parts.Engine.load(watched(opened.host, job), { ...options, turn }, events, job.wasm(parts.Signal));
          events.flush();
          // What wasm had no use for still belongs to the file; the first pictures do not wait for it.
          void finish(shelf, post);
          const { backend, why, caps, model } = engine;
          if (backend === 'webgpu') greet(job);
          return { backend, why, caps, model: model ?? null, kernels: debug === true, ...shelf.kept };
        } catch (error) {
          shelf.close();
          const cause = job.failure ?? error;
          // Replaced while it was read: all of it once more, and what changes again is refused.
          if (!cause?.changed || again) throw cause;
          job.failure = null;
        }
      }
    },

    async plan({ place, options }, job) {
      const { host, shelf } = await openPlace(place, { signal: job.signal, onDownload: () => {} });
      try {
        const plan = await parts.Engine.plan(watched(host, job), { ...options, turn });
        const kept = shelf.local + (await shelf.here());
        return { ...plan, files: shelf.total + shelf.local, kept };
      } catch (error) {
        throw job.failure ?? error;
      } finally {
        shelf.close();
      }
    },

    async generate({ request }, job) {
      const show = drawn(steady(job.event), request);
      const made = await engine.generate(request, show.event, job.wasm(parts.Signal));
      await show.finish(made);
      job.transfer = made.images.map((/** @type {Uint8ClampedArray} */ image) => image.buffer);
      return made;
    },

    async png({ rgba, width, height, recipe }, job) {
      const bytes = own(parts.png(rgba, width, height, recipe));
      job.transfer = [bytes.buffer];
      return bytes;
    },

    async recipe({ bytes }) {
      return parts.readRecipe(bytes);
    },

    async kernels({ request }) {
      return engine.kernels(request);
    },

    async destroy() {
      engine.destroyDevice();
    },

    /** Writes down what there is of a download, and ends. A picture that is being made ends with it. */
    async close() {
      shelf?.close();
      globalThis.close();
    },
  };

  globalThis.onmessage = async ({ data }) => {
    const { id, type } = data;
    if (type === 'abort') return running.get(id)?.abort();
    const job = new Job((event, transfer = []) => post({ id, event }, transfer));
    running.set(id, job);
    try {
      const value = await /** @type {Record<string, (data: any, job: Job) => Promise<any>>} */ (verbs)[type](data, job);
      post({ id, value }, job.transfer);
    } catch (error) {
      post({ id, error: pack(job.signal.aborted ? aborted() : typed(error)) });
    } finally {
      running.delete(id);
      job.close();
    }
  };
}

/** One call: what ends it in wasm and in fetches, and where its events go. */
class Job {
  /** @param {(event: any, transfer?: Transferable[]) => void} event */
  constructor(event) {
    this.event = event;
    this.controller = new AbortController();
    this.signal = this.controller.signal;
    /** @type {any} */
    this.flag = null;
    /** @type {Transferable[]} */
    this.transfer = [];
    /** The first failure of a file: closer to the cause than what comes out of wasm. @type {any} */
    this.failure = null;
  }
  /** wasm's own signal. @param {any} Signal */
  wasm(Signal) {
    this.flag?.free();
    this.flag = new Signal();
    if (this.signal.aborted) this.flag.abort();
    return this.flag;
  }
  abort() {
    this.controller.abort();
    this.flag?.abort();
  }
  close() {
    this.flag?.free();
    this.flag = null;
  }
}

/** A host whose failures are remembered with their type. @param {any} host @param {Job} job */
function watched(host, job) {
  const note = (/** @type {any} */ error) => {
    job.failure ??= error;
    throw error;
  };
  return {
    name: host.name,
    read: (/** @type {string} */ path) => host.read(path).catch(note),
    open: async (/** @type {string} */ path) => {
      const file = await host.open(path).catch(note);
      if (!file) return null;
      const { header, length } = file;
      return { header, length, read: (/** @type {number} */ a, /** @type {number} */ b) => file.read(a, b).catch(note), done: () => {} };
    },
  };
}

/** @param {import('./shelf.js').Shelf} shelf @param {(message: any) => void} post */
async function finish(shelf, post) {
  try {
    await shelf.finish();
  } catch (error) {
    shelf.why ??= typed(error).message;
  }
  shelf.close();
  post({ kept: shelf.kept });
}

/** A first bitmap for the page, which nobody sees, while the GPU has nothing to do. @param {Job} job */
function greet(job) {
  const bitmap = blank();
  job.event({ type: 'connect', bitmap }, [bitmap]);
}

/** @param {string} what */
function mismatch(what) {
  return new OnelaunchError('VersionMismatch', `files of two builds are mixed (${what}): reload the page; if it stays, clear this site's data`);
}
