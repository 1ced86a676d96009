// A described place as a host for wasm, in the worker.

import { DirectoryHost, FilesHost } from './folder.js';
import { Http } from './http.js';
import { resolveUrl, tree } from './hub.js';
import { Keep, NoKeep } from './keep.js';
import { RemoteHost } from './remote.js';
import { Shelf } from './shelf.js';

/** Where the hub's list of files is kept. No file of a repository has this name. */
const LIST = '//list';
/** With kept files at hand, a hub that does not begin to answer in so many ms counts as away. */
const PATIENCE = 5000;

/**
 * @param {import('./describe.js').Place} place
 * @param {{signal: AbortSignal, onDownload: (state: {loaded: number, total: number, file: string}) => void}} watch
 * @returns {Promise<{host: any, shelf: Shelf}>}
 */
export async function openPlace(place, watch) {
  if (place.kind === 'files' || place.kind === 'directory') {
    const host = place.kind === 'files' ? new FilesHost(place.name, place.files) : await DirectoryHost.of(place.handle);
    return { host, shelf: new Shelf(new NoKeep('local files are read where they lie'), watch) };
  }
  const http = new Http(watch.signal);
  if (place.kind === 'url') {
    const keep = await Keep.of(place.url);
    const shelf = new Shelf(keep, watch);
    const url = (/** @type {string} */ path) => fileUrl(place.url, path);
    const host = new RemoteHost({ name: place.url, url, files: null, http, shelf });
    await host.warm();
    return { host, shelf };
  }
  const { base, name, revision } = place;
  const keep = await Keep.of(`${base}/${name}@${revision}`);
  const shelf = new Shelf(keep, watch);
  const here = keep instanceof Keep && (await keep.small('model_index.json')) !== null;
  let [listed, offline] = [/** @type {Awaited<ReturnType<typeof tree>>} */ (null), false];
  try {
    listed = await tree(http, base, name, revision, here ? { tries: 1, limit: PATIENCE } : {});
    if (listed && keep instanceof Keep) await keepList(keep, listed);
  } catch (error) {
    if (!here || !(/** @type {any} */ (error).network)) throw error;
    listed = await keptList(/** @type {Keep} */ (keep));
    offline = true;
  }
  // Files of one commit, where the host tells which: a push while this loads changes nothing.
  const url = (/** @type {string} */ path) => resolveUrl(base, name, listed?.commit ?? revision, path);
  const host = new RemoteHost({ name: `${base}/${name}`, url, files: listed?.files ?? null, http, shelf, offline });
  if (!listed) await host.warm();
  return { host, shelf };
}

/** @typedef {NonNullable<Awaited<ReturnType<typeof tree>>>} Listed */

/** The list is kept too: away from the network it tells what there is not. @param {Keep} keep @param {Listed} listed */
async function keepList(keep, { files, commit }) {
  await keep.put(LIST, {}, new TextEncoder().encode(JSON.stringify({ files: [...files], commit })));
}

/** @param {Keep} keep @returns {Promise<Listed | null>} */
async function keptList(keep) {
  const bytes = await keep.small(LIST);
  if (!bytes) return null;
  const { files, commit } = JSON.parse(new TextDecoder().decode(bytes));
  return { files: new Map(files), commit };
}

/** A query belongs to the address of a folder, as tokens do: it goes behind every file. @param {string} folder @param {string} path */
export function fileUrl(folder, path) {
  const url = new URL(folder);
  url.pathname += path.split('/').map(encodeURIComponent).join('/');
  return url.href;
}
