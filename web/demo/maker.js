// The model behind the page: planned, loaded once, asked for pictures. All work happens in the package's worker.

/** The model that comes with the page. */
export const SHIPPED = new URL('./models/emoji-mini/', document.baseURI).href;
let packaged = null;

/** The package; a failed import is tried again the next time. */
function packageModule() {
  packaged ??= import('./pkg/index.js').catch((error) => {
    packaged = null;
    throw Object.assign(new Error('The program of this page could not be read.', { cause: error }), { name: 'Download' });
  });
  return packaged;
}

/** The recipe in a PNG that onelaunch made, or null. */
export async function recipeOf(file) {
  try {
    return await (await packageModule()).readRecipe(file);
  } catch {
    return null;
  }
}

export class Maker {
  /** What `Pipeline.load` gets. */
  source = SHIPPED;
  backend = 'auto';
  plan = null;
  pipe = null;
  #looking = null;
  #loading = null;
  #abort = null;

  /** `onLoad({phase, loaded, total, file})` while a model comes. */
  constructor({ onLoad, timings }) {
    this.onLoad = onLoad;
    this.timings = timings;
  }

  get isShipped() { return this.source === SHIPPED; }

  /** Takes another model or backend; what was loaded goes. */
  use({ source = this.source, backend = this.backend }) {
    this.source = source;
    this.backend = backend;
    this.plan = null;
    this.#looking = null;
    this.drop();
  }

  /** Lets the device and its memory go; the next picture loads anew. */
  drop() {
    this.#abort?.abort();
    this.#loading = null;
    const pipe = this.pipe;
    this.pipe = null;
    try { pipe?.free(); } catch { /* a lost device has nothing left to free */ }
  }

  /** What the model needs, before a weight is downloaded; null when another one was taken meanwhile. Asked once. */
  look() {
    this.#looking ??= this.#look().catch((error) => {
      this.#looking = null;
      throw error;
    });
    return this.#looking;
  }

  async #look() {
    const { source, backend } = this;
    const { Pipeline } = await packageModule();
    const plan = await Pipeline.plan(source, { backend });
    if (source !== this.source || backend !== this.backend) return null;
    this.plan = plan;
    return plan;
  }

  /** Throws when the plan says that the model cannot be here. */
  refuse() {
    const { plan } = this;
    if (plan?.fits === false) {
      throw Object.assign(new Error(plan.problem ?? 'The model is larger than this device takes.'), { name: 'TooLarge', needed: plan.largest, limit: plan.limits?.maxBinding });
    }
  }

  /** The loaded pipeline; calls while it loads share one load. */
  load() {
    if (this.pipe) return Promise.resolve(this.pipe);
    if (!this.#loading) {
      const mine = this.#loading = this.#load().finally(() => { if (this.#loading === mine) this.#loading = null; });
    }
    return this.#loading;
  }

  cancelLoad() { this.#abort?.abort(); }

  async #load() {
    const abort = this.#abort = new AbortController();
    const { source, backend } = this;
    this.timings.mark('open');
    const { Pipeline } = await packageModule();
    this.refuse();
    const onProgress = (progress) => {
      if (abort.signal.aborted) return;
      // Kernels of another size are compiled long after the load.
      if (!this.pipe && progress.phase !== 'compile' && progress.loaded >= progress.total) this.timings.mark('weights');
      this.onLoad(progress);
    };
    const pipe = await Pipeline.load(source, { backend, onProgress, signal: abort.signal });
    if (abort.signal.aborted) {
      pipe.free();
      throw Object.assign(new Error('Stopped.'), { name: 'Aborted' });
    }
    this.timings.mark('loaded');
    this.pipe = pipe;
    return pipe;
  }
}
