// Errors as callers see them, and their way between worker and page: a class does not survive structured clone, its fields do.

/** Fields beside name and message that travel with an error. */
const FIELDS = ['reason', 'needed', 'free', 'limit'];

/** Every name that reaches callers. Anything else becomes `Internal`. */
export const NAMES = [
  'NoWebGpu', 'OutOfMemory', 'DeviceLost', 'BadModel', 'BadRequest', 'Unsupported', 'Aborted', 'Download', 'Internal',
  'TooLarge', 'VersionMismatch',
];

export class OnelaunchError extends Error {
  /**
   * @param {string} name one of NAMES
   * @param {string} message what happened and what to do
   * @param {{reason?: string, needed?: number, free?: number, limit?: number, cause?: unknown}} [more]
   */
  constructor(name, message, more = {}) {
    super(message, 'cause' in more ? { cause: more.cause } : undefined);
    this.name = name;
    /** No answer came: of use where a kept copy is at hand. Stays in the worker. */
    this.network = false;
    /** A file was replaced while it was read. Stays in the worker. */
    this.changed = false;
    for (const field of FIELDS) if (more[field] !== undefined) this[field] = more[field];
  }
}

/** @param {unknown} [cause] */
export function aborted(cause) {
  return new OnelaunchError('Aborted', 'stopped by the caller', { cause });
}

/** Whatever was thrown, as a typed error. @param {any} thrown @returns {OnelaunchError} */
export function typed(thrown) {
  if (thrown instanceof OnelaunchError) return thrown;
  if (thrown?.name === 'AbortError') return aborted(thrown);
  const message = typeof thrown === 'string' ? thrown : thrown?.message ?? String(thrown);
  if (NAMES.includes(thrown?.name)) return new OnelaunchError(thrown.name, message, { ...pick(thrown), cause: thrown });
  // A trap of wasm or a fault of our own: the words are for a report, the name says that the caller did nothing wrong.
  const kind = thrown?.name && thrown.name !== 'Error' ? `${thrown.name}: ` : '';
  return new OnelaunchError('Internal', `${kind}${message}; load the pipeline again, and please report this`, { cause: thrown });
}

/** An error as plain data. @param {unknown} thrown */
export function pack(thrown) {
  const error = typed(thrown);
  const stack = /** @type {any} */ (error.cause)?.stack ?? error.stack;
  return { name: error.name, message: error.message, stack, ...pick(error) };
}

/** Back from plain data. The worker's stack goes into `cause`. @param {any} plain */
export function unpack(plain) {
  const { name, message, stack, ...more } = plain;
  return new OnelaunchError(name, message, { ...more, cause: stack });
}

/** @param {any} from */
function pick(from) {
  return Object.fromEntries(FIELDS.filter((field) => from[field] !== undefined).map((field) => [field, from[field]]));
}
