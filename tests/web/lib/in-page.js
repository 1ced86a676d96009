// In the blank page: the package, and helpers that turn what it gives into what can leave the page.

import * as onelaunch from '/pkg/index.js';

globalThis.onelaunch = onelaunch;
/** Pipelines of a test by name. */
globalThis.pipes = {};
globalThis.MODEL = new URL('/models/emoji-mini/', location.href).href;

function base64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

/** A result without its classes. */
globalThis.plain = ({ images, seed, recipes, blob, ...rest }) => ({
  ...rest, seed: String(seed), images: images.map(({ width, height, data }) => ({ width, height, rgba: base64(data) })),
  recipes: recipes.map((recipe) => ({ ...recipe, seed: String(recipe.seed) })),
});

/** What came of it: `{ value }` or `{ error }`, and the ms it took. */
globalThis.outcome = async (work) => {
  const start = performance.now();
  try {
    return { value: await work(), ms: performance.now() - start };
  } catch (error) {
    const { name, message, reason, needed, free, limit } = error;
    return { error: { name, message, reason, needed, free, limit, typed: error instanceof onelaunch.OnelaunchError }, ms: performance.now() - start };
  }
};

/** Loads under a name. */
globalThis.load = async (name, options = {}, source = MODEL) => {
  globalThis.pipes[name]?.free();
  const pipe = await onelaunch.Pipeline.load(source, { debug: true, ...options });
  globalThis.pipes[name] = pipe;
  const { backend, why, caps, model, kept, keptWhy } = pipe;
  return { backend, why, caps, model, kept, keptWhy };
};

/** A picture of the pipeline of that name. */
globalThis.make = async (name, request) => plain(await globalThis.pipes[name].generate(request));

globalThis.ready = true;
