// The model behind the page: planned, loaded once, asked for pictures. All work happens in the package's worker.

/** The model that comes with the page. */
export const SHIPPED = new URL('./models/emoji-mini/', document.baseURI).href;
const PHONE_LIMIT = 1e9;
let packaged = null;

/** The package; a failed import is tried again the next time. */
function packageModule() {
  packaged ??= import('./pkg/index.js').catch((error) => {
    packaged = null;
    throw Object.assign(new Error('The program of this page could not be read.', { cause: error }), { name: 'Download' });
  });
  return packaged;
}

export class Maker {
  /** What `Pipeline.load` gets. */
  source = SHIPPED;
  backend = 'auto';
  plan = null;
  pipe = null;
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

  /** What the model needs, before a weight is downloaded. Throws `TooLarge` for one that cannot be. */
  async look() {
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
    if (!plan) return;
    const total = plan.memory?.total ?? 0;
    if (plan.fits === false) {
      throw Object.assign(new Error(plan.problem ?? 'The model is larger than this device takes.'), { name: 'TooLarge', needed: plan.largest, limit: plan.limits?.maxBinding });
    }
    if (isPhone() && total > PHONE_LIMIT) {
      throw Object.assign(new Error('Phones close pages that take more than about 1 GB.'), { name: 'TooLarge', needed: total, limit: PHONE_LIMIT });
    }
  }

  /** The loaded pipeline; calls while it loads share one load. */
  load() {
    if (this.pipe) return Promise.resolve(this.pipe);
    this.#loading ??= this.#load().finally(() => { this.#loading = null; });
    return this.#loading;
  }

  cancelLoad() { this.#abort?.abort(); }

  async #load() {
    const abort = this.#abort = new AbortController();
    const { source, backend } = this;
    this.timings.mark('open');
    const { Pipeline } = await packageModule();
    if (!this.plan) await this.look();
    this.refuse();
    const onProgress = (progress) => {
      if (abort.signal.aborted) return;
      if (progress.phase !== 'compile' && progress.loaded >= progress.total) this.timings.mark('weights');
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

function isPhone() {
  return navigator.userAgentData?.mobile ?? /Mobi|Android|iPhone|iPod/.test(navigator.userAgent);
}
