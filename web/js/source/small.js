// Small files: read whole, and known ahead of time by what model_index.json names.

import { gather } from './chunks.js';
import { OnelaunchError } from './errors.js';

/** Longest small file: a tokenizer of half a million pieces has 35 MB. */
const SMALL = 64 * 2 ** 20;

/** All bytes of a small file. @param {Response} response @param {string} url */
export async function whole(response, url) {
  const bytes = await gather(/** @type {ReadableStream<Uint8Array>} */ (response.body), SMALL);
  if (!bytes) throw new OnelaunchError('BadModel', `${url}: a config or tokenizer of more than ${SMALL} bytes`);
  return bytes;
}

/** Small files that a model of these components is made of. @param {Uint8Array} index `model_index.json` */
export function smallFiles(index) {
  let entries;
  try {
    entries = Object.entries(JSON.parse(new TextDecoder().decode(index)));
  } catch {
    // Rust reads it too, and says what is wrong.
    return [];
  }
  const paths = [];
  for (const [component, value] of entries) {
    if (!Array.isArray(value) || value.length !== 2 || typeof value[1] !== 'string' || !/^\w+$/.test(component)) continue;
    if (component === 'scheduler') paths.push('scheduler/scheduler_config.json');
    else if (component === 'tokenizer') paths.push('tokenizer/tokenizer.json', 'tokenizer/tokenizer_config.json');
    else if (['text_encoder', 'transformer', 'unet', 'vae'].includes(component)) paths.push(`${component}/config.json`);
  }
  return paths;
}
