// What a caller asks of a picture, checked and as plain data for the worker.

import { OnelaunchError } from './errors.js';

/** What goes to wasm as it is. */
const PLAIN = ['steps', 'guidance', 'guidanceInterval', 'sampler', 'eta', 'sigmas', 'spacing', 'noise', 'width', 'height', 'count', 'whole'];
/** What is for this side of the worker. */
const HERE = ['prompt', 'negative', 'seed', 'canvas', 'previews', 'signal', 'onStep', 'onPreview', 'onProgress', 'onWarning'];

/** @param {any} asked */
export function requestOf(asked) {
  if (asked === null || typeof asked !== 'object' || typeof asked.prompt !== 'string') bad('generate takes an object with a `prompt` of text');
  const strange = Object.keys(asked).filter((key) => !PLAIN.includes(key) && !HERE.includes(key));
  if (strange.length > 0) bad(`\`${strange[0]}\` is nothing that generate takes; it takes ${[...HERE, ...PLAIN].join(', ')}`);
  const previews = asked.previews ?? Boolean(asked.canvas || asked.onPreview);
  return {
    prompt: asked.prompt,
    negative: asked.negative ?? '',
    ...Object.fromEntries(PLAIN.filter((key) => asked[key] !== undefined && asked[key] !== null).map((key) => [key, asked[key]])),
    seed: seedOf(asked.seed),
    watched: Boolean(asked.onStep || previews),
    previews,
    bitmaps: Boolean(asked.canvas),
  };
}

/** A seed as wasm takes it; by chance where none is given. @param {unknown} seed @returns {bigint} */
export function seedOf(seed) {
  if (seed === undefined || seed === null) return BigInt(crypto.getRandomValues(new Uint32Array(1))[0]);
  if (typeof seed === 'bigint' || (typeof seed === 'number' && Number.isSafeInteger(seed)) || (typeof seed === 'string' && /^\d+$/.test(seed))) {
    const number = BigInt(seed);
    if (number >= 0n && number < 2n ** 64n) return number;
  }
  return bad(`seed must be a whole number from 0 to 2^64 - 1 (a bigint or text beyond 2^53), not ${String(seed)}`);
}

/** A number where it is exact. @param {bigint} seed */
export const plainSeed = (seed) => (seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seed) : seed);

/** @param {string} why @returns {never} */
function bad(why) {
  throw new OnelaunchError('BadRequest', why);
}
