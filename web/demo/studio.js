// Makes one picture for the page: loads the model if it must, watches the steps, and turns the result into an entry of the history.

import { $ } from './dom.js';
import { toHash } from './link.js';
import { nameOf, sourceForLink } from './model.js';
import { bar, beads, waiting } from './progress.js';
import { receiptLines } from './receipt.js';
import { tintOf } from './tint.js';

const TITLE = document.title;

export class Studio {
  /** The settings of the newest picture, as a hash; whoever asks for the same again gets a new seed. */
  last = null;

  /** `onLoaded(pipe, source)` is called whenever a loaded model is at hand. */
  constructor({ maker, timings, picture, onLoaded }) {
    Object.assign(this, { maker, timings, picture, onLoaded });
  }

  /** The entry of a finished picture; throws what the package throws. */
  async make(settings, signal) {
    const { maker, timings, picture } = this;
    const { source } = maker;
    if (!maker.pipe) waiting('download', 'opening …');
    try {
      const pipe = await this.#loaded(signal);
      this.onLoaded(pipe, source);
      timings.mark('begin');
      waiting('steps', 'reading the prompt …');
      const result = await pipe.generate({
        ...settings, seed: BigInt(settings.seed), canvas: $('canvas'), signal, onStep: (at) => this.#step(at), onPreview: () => picture.reveal(),
      });
      picture.reveal();
      timings.mark('pixels');
      const spent = timings.done((result.timings?.compile ?? 0) * 1000);
      this.#expose(spent, result);
      this.last = toHash(settings);
      return await this.#entry(settings, source, result, spent);
    } finally {
      document.title = TITLE;
    }
  }

  /** A picture that is cancelled while the model comes stops waiting; the download stops with it. */
  async #loaded(signal) {
    const stop = () => this.maker.cancelLoad();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await this.maker.load();
    } finally {
      signal.removeEventListener('abort', stop);
      signal.throwIfAborted();
    }
  }

  #step({ step, of }) {
    this.timings.mark('step');
    bar('steps', step, of, { unit: 'steps' });
    beads(step, of);
    document.title = `${step}/${of} · onelaunch`;
  }

  /** For tests and for the curious: `timings` of the newest picture, `first` of the one that waited for the page. */
  #expose(spent, { timings, backend, adapter }) {
    const demo = window.onelaunchDemo;
    demo.timings = { ...spent, native: timings, backend, adapter };
    if (spent.first) demo.first = demo.timings;
  }

  async #entry(settings, source, result, spent) {
    const [image] = result.images;
    const model = sourceForLink(source);
    // A picture that is there is worth more than its figures.
    const plan = await this.maker.look().catch(() => null);
    return {
      when: Date.now(), blob: await result.blob(0), settings: { ...settings, model: model ?? undefined }, linkable: model !== null,
      backend: result.backend, ms: spent.compile + spent.steps + spent.decode, tint: tintOf(image), width: image.width, height: image.height,
      receipt: receiptLines({ settings, timings: spent, result, plan, size: `${image.width} × ${image.height}`, model: nameOf(source) }),
    };
  }
}
