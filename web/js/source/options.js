// Options of a load or plan, as wasm takes them, and its events as callers hear them.

import { OnelaunchError } from './errors.js';

/** Bytes of a plan that a phone is not asked to take: beyond about so much its browser ends the page. */
const PHONE = 1_000_000_000;

/** @param {any} options */
export function optionsOf({ backend = 'auto', precision, maxBytes = isPhone(globalThis.navigator) ? PHONE : undefined }) {
  if (!['auto', 'webgpu', 'cpu'].includes(backend)) throw new OnelaunchError('BadRequest', `backend must be "auto", "webgpu" or "cpu", not ${JSON.stringify(backend)}`);
  if (precision !== undefined && precision !== 'f32' && precision !== 'f16') {
    throw new OnelaunchError('BadRequest', `precision must be "f32" or "f16", not ${JSON.stringify(precision)}`);
  }
  return { backend, ...(precision ? { precision } : {}), ...(maxBytes === undefined ? {} : { maxBytes }) };
}

/** @param {any} navigator */
export function isPhone(navigator) {
  return navigator?.userAgentData?.mobile ?? /iPhone|iPod|Android.+Mobile/.test(navigator?.userAgent ?? '');
}

const PHASES = { download: 'download', weights: 'weights', kernels: 'compile' };

/** @param {{onProgress?: (progress: any) => void, onWarning?: (message: string) => void}} watch */
export function progressOf({ onProgress, onWarning }) {
  return (/** @type {any} */ event) => {
    if (event.type === 'warning') return onWarning ? onWarning(event.message) : console.warn(`onelaunch: ${event.message}`);
    const phase = PHASES[/** @type {keyof typeof PHASES} */ (event.type)];
    if (!phase || !onProgress) return undefined;
    const { total, file } = event;
    return onProgress({ phase, loaded: event.loaded ?? event.done, total, ...(file ? { file } : {}) });
  };
}
