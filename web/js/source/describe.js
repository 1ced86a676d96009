// Whatever a caller calls a model, as plain data that can go to the worker.

import { readDrop } from './drop.js';
import { OnelaunchError } from './errors.js';
import { modelRoot } from './folder.js';
import { HUB, isRepository } from './hub.js';

/**
 * @typedef {{kind: 'url', url: string} | {kind: 'hub', name: string, base: string, revision: string}
 *   | {kind: 'files', name: string, files: Map<string, File>} | {kind: 'directory', handle: FileSystemDirectoryHandle}} Place
 */

/**
 * A drop is read here and now: this must be called in its event.
 * @param {any} source @param {{baseUrl?: string | URL, revision?: string}} options @param {string} [here] what relative addresses are relative to
 * @returns {Promise<Place>}
 */
export async function describe(source, { baseUrl, revision = 'main' }, here) {
  if (typeof source === 'string' && isRepository(source)) {
    const base = new URL(baseUrl ?? HUB, here).href.replace(/\/+$/, '');
    return { kind: 'hub', name: source, base, revision };
  }
  if (typeof source === 'string' || source instanceof URL) return address(source, baseUrl, revision, here);
  if (typeof source?.getDirectoryHandle === 'function') return { kind: 'directory', handle: source };
  if (source && typeof source.length === 'number') {
    const first = source[0];
    if (typeof first?.webkitGetAsEntry === 'function' || typeof first?.getAsFile === 'function') {
      return { kind: 'files', ...modelRoot(await readDrop(source)) };
    }
    const files = new Map(Array.from(source, (file) => [file.webkitRelativePath || file.name, file]));
    return { kind: 'files', ...modelRoot(files) };
  }
  throw new OnelaunchError(
    'BadRequest',
    'the source of a model is an address, "org/name", the files of a folder, a directory handle, or the items of a drop',
  );
}

/** @param {string | URL} source @param {string | URL | undefined} baseUrl @param {string} revision @param {string} [here] @returns {Place} */
function address(source, baseUrl, revision, here) {
  let url;
  try {
    url = new URL(source, here);
  } catch (cause) {
    throw new OnelaunchError('BadRequest', `${source}: neither an address nor "org/name"`, { cause });
  }
  if (!/^https?:$/.test(url.protocol)) throw new OnelaunchError('BadRequest', `${url}: only http and https addresses are read`);
  // The page of a model on the hub stands for the model.
  const hub = new URL(baseUrl ?? HUB, here);
  const [, name, rest] = /^\/([\w.-]+\/[\w.-]+?)\/?((?:tree|resolve)\/.*)?$/.exec(url.pathname) ?? [];
  if (url.origin === hub.origin && hub.pathname === '/' && url.origin === HUB && name) {
    const tree = /^(?:tree|resolve)\/([^/]+)\/?$/.exec(rest ?? '');
    if (!rest || tree) return { kind: 'hub', name, base: HUB, revision: tree ? decodeURIComponent(tree[1]) : revision };
  }
  url.hash = '';
  // The folder, or the file that marks it.
  url.pathname = url.pathname.replace(/model_index\.json$/, '').replace(/\/*$/, '/');
  return { kind: 'url', url: url.href };
}
