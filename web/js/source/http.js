// GET and GET of a range, tried again where that may help. A range is always `bytes=a-b`: that one needs no CORS preflight, which many
// hosts of weights fail. Every call starts from the original address, because the targets of signed redirects expire.

import { OnelaunchError, aborted } from './errors.js';

/** Milliseconds before the second, third … try. */
const PAUSES = [250, 500, 1000, 2000];

/** Answers that may be different in a moment. */
const passing = (/** @type {number} */ status) => status === 408 || status === 425 || status === 429 || status >= 500;

export class Http {
  /**
   * @param {AbortSignal} signal ends everything
   * @param {{fetch?: typeof globalThis.fetch, pause?: (ms: number, signal: AbortSignal) => Promise<void>}} [parts] for tests
   */
  constructor(signal, { fetch = globalThis.fetch.bind(globalThis), pause = sleep } = {}) {
    this.signal = signal;
    this.fetch = fetch;
    this.pause = pause;
  }

  /** How often something is tried. */
  get tries() {
    return PAUSES.length + 1;
  }

  /** Waits before try number `n` (1, 2 …) of the same thing. @param {number} n */
  async rest(n) {
    await this.pause(PAUSES[Math.min(n, PAUSES.length) - 1], this.signal);
  }

  /**
   * The answer, whatever its status says, once it is not one of the passing ones. Its body is still to be read.
   * @param {string} url
   * @param {{start?: number, end?: number, tries?: number, limit?: number}} [how] a range [start, end), and milliseconds for the answer to begin
   * @returns {Promise<Response>}
   */
  async get(url, { start, end, tries = this.tries, limit } = {}) {
    const ranged = start !== undefined && end !== undefined;
    for (let n = 1; ; n += 1) {
      if (this.signal.aborted) throw aborted(this.signal.reason);
      const patience = new Patience(this.signal, limit);
      try {
        const response = await this.fetch(url, {
          signal: patience.signal,
          // Weights are kept in the origin's private files, not a second time in the HTTP cache. Small files are asked for again.
          cache: ranged ? 'no-store' : 'no-cache',
          ...(ranged ? { headers: { Range: `bytes=${start}-${end - 1}` } } : {}),
        });
        patience.stop();
        if (!passing(response.status) || n >= tries) return response;
        await response.body?.cancel();
      } catch (error) {
        patience.stop();
        if (this.signal.aborted) throw aborted(this.signal.reason);
        if (n >= tries) throw unreachable(url, error);
      }
      await this.rest(n);
    }
  }
}

/** A signal that follows another, and gives up where no answer begins in time. */
class Patience {
  /** @param {AbortSignal} outer @param {number} [limit] */
  constructor(outer, limit) {
    this.signal = outer;
    if (limit === undefined) return;
    const inner = new AbortController();
    this.signal = inner.signal;
    // Not unhooked when the answer has begun: aborting must end its body too.
    outer.addEventListener('abort', () => inner.abort(outer.reason), { once: true });
    this.timer = setTimeout(() => inner.abort(new Error('no answer in time')), limit);
  }
  stop() {
    clearTimeout(this.timer);
  }
}

/** @param {string} url @param {unknown} cause */
function unreachable(url, cause) {
  const error = new OnelaunchError(
    'Download',
    `${url}: no answer: check the connection; if it works, the host does not let pages of other origins read its files (CORS)`,
    { cause },
  );
  error.network = true;
  return error;
}

/** @param {string} url @param {Response} response */
export function refused(url, response) {
  const why = response.status === 401 || response.status === 403
    ? 'it is private, asks for a login, or does not exist: download it where you are logged in, and give the folder'
    : 'try again later, or download the folder by other means and give that';
  return new OnelaunchError('Download', `${url}: the host answers ${response.status}: ${why}`);
}

/** Missing, or the page that a single-page host sends instead of a 404. @param {Response} response */
export function missing(response) {
  return response.status === 404 || response.status === 410
    || (response.status === 200 && /^text\/html\b/i.test(response.headers.get('content-type') ?? ''));
}

/**
 * What tells one version of a file from another, where readable. `Last-Modified` is readable on every origin, `ETag` only where exposed.
 * @param {Response} response
 * @returns {{etag?: string, modified?: string}}
 */
export function validators(response) {
  const [etag, modified] = [response.headers.get('etag'), response.headers.get('last-modified')];
  return { ...(etag ? { etag } : {}), ...(modified ? { modified } : {}) };
}

/**
 * Whether two answers can be of one version: what both tell must be equal. A date decides only where no ETag does: mirrors differ in dates.
 * @param {{etag?: string, modified?: string, oid?: string}} a @param {{etag?: string, modified?: string, oid?: string}} b
 */
export function compatible(a, b) {
  for (const key of /** @type {const} */ (['oid', 'etag', 'modified'])) {
    if (a[key] && b[key]) return a[key] === b[key];
  }
  return true;
}

/** The whole length out of Content-Range, where it is readable and tells. @param {Response} response */
export function totalOf(response) {
  const match = /^bytes \d+-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  return match ? Number(match[1]) : null;
}

/** @param {number} ms @param {AbortSignal} signal */
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(aborted(signal.reason));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve(undefined);
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
