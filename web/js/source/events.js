// Events of wasm on their way to the page: not more often than anybody can see, and with pictures as bitmaps, so that the page only shows them.

/** Milliseconds between two messages of one kind. */
const APART = 50;

/**
 * Lets progress through at most so often; the last of each kind always comes.
 * @param {(event: any, transfer?: Transferable[]) => void} post
 */
export function steady(post) {
  /** @type {Map<string, {at: number, held: any}>} */
  const kinds = new Map();
  const event = (/** @type {any} */ e, /** @type {Transferable[]} */ transfer = []) => {
    if (e.type !== 'download' && e.type !== 'weights' && e.type !== 'kernels') return post(e, transfer);
    const kind = kinds.get(e.type) ?? { at: -Infinity, held: null };
    kinds.set(e.type, kind);
    const [done, now] = [e.loaded ?? e.done, performance.now()];
    if (done < e.total && now - kind.at < APART) kind.held = e;
    else {
      Object.assign(kind, { at: now, held: null });
      post(e);
    }
  };
  event.flush = () => {
    for (const kind of kinds.values()) {
      if (kind.held) post(kind.held);
      kind.held = null;
    }
  };
  return event;
}

/**
 * Pictures as bitmaps. On the GPU they are; on the CPU they are made here, not on the page's thread.
 * @param {(event: any, transfer?: Transferable[]) => void} post @param {{bitmaps?: boolean}} request
 */
export function drawn(post, request) {
  let shown = false;
  let told = '';
  /** Bitmaps are made one after the other, so that they come in order. */
  let last = Promise.resolve();
  const later = (/** @type {any} */ e, /** @type {Uint8ClampedArray<ArrayBuffer>} */ rgba, /** @type {number} */ width, /** @type {number} */ height) => {
    last = last.then(async () => {
      const bitmap = await createImageBitmap(new ImageData(rgba, width, height));
      post({ ...e, bitmap }, [bitmap]);
    });
  };
  return {
    event(/** @type {any} */ e) {
      if (e.type === 'step') {
        // Told after every chunk; a step has several.
        const now = `${e.done}/${e.total} ${e.pictures}`;
        if (now === told) return;
        told = now;
      }
      if (e.type === 'picture') shown = true;
      if (e.type === 'preview' && !e.bitmap) later({ ...e, rgba: undefined }, e.rgba, e.width, e.height);
      else post(e, e.bitmap ? [e.bitmap] : []);
    },
    async finish(/** @type {any} */ made) {
      if (request.bitmaps && !shown) later({ type: 'picture', index: 0 }, made.images[0], made.width, made.height);
      await last;
    },
  };
}

/** A bitmap of the GPU with nothing to see on it. @returns {ImageBitmap} */
export function blank() {
  const canvas = new OffscreenCanvas(1, 1);
  // Drawn to, so that there is something of it on the GPU.
  canvas.getContext('2d')?.fillRect(0, 0, 1, 1);
  return canvas.transferToImageBitmap();
}

/** Bytes in a buffer of their own, which may be given away. @param {Uint8Array} bytes */
export function own(bytes) {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
