// Names and addresses of models on Hugging Face, or on a mirror or test host of the same layout.

import { OnelaunchError } from './errors.js';
import { refused } from './http.js';

export const HUB = 'https://huggingface.co';
/** Pages of a tree that are read: 10,000 files. A model has hundreds. */
const PAGES = 10;

/** @param {string} text */
export const isRepository = (text) => /^[A-Za-z0-9][\w.-]*\/[\w.-]+$/.test(text);

/** @param {string} text a path or revision: a slash in a path stays, in a revision it is escaped */
const escape = (text) => text.split('/').map(encodeURIComponent).join('/');

/** @param {string} base @param {string} name @param {string} revision @param {string} path */
export function resolveUrl(base, name, revision, path) {
  return `${base.replace(/\/+$/, '')}/${escape(name)}/resolve/${encodeURIComponent(revision)}/${escape(path)}`;
}

/**
 * Files of a repository by path. `null` where the host has no such list: then known names are tried one by one.
 * @param {import('./http.js').Http} http @param {string} base @param {string} name @param {string} revision
 * @param {{limit?: number, tries?: number}} [how]
 * @returns {Promise<{files: Map<string, {oid?: string, size?: number}>, commit: string | null} | null>}
 */
export async function tree(http, base, name, revision, how = {}) {
  const files = new Map();
  const root = base.replace(/\/+$/, '');
  let url = `${root}/api/models/${escape(name)}/tree/${encodeURIComponent(revision)}?recursive=true`;
  let commit = /** @type {string | null} */ (null);
  for (let page = 0; page < PAGES; page += 1) {
    const response = await http.get(url, how);
    if (response.status === 401 || response.status === 403) {
      await response.body?.cancel();
      throw refused(`${name} on ${root}`, response);
    }
    const list = response.ok ? await response.json().catch(() => null) : await response.body?.cancel();
    if (!Array.isArray(list)) return null;
    add(files, list);
    commit ??= response.headers.get('x-repo-commit');
    const next = nextPage(response.headers.get('link'), url);
    if (!next) return { files, commit };
    url = next;
  }
  throw new OnelaunchError('Unsupported', `${name}: a repository of more than ${files.size} files`);
}

/** @param {Map<string, {oid?: string, size?: number}>} files @param {any[]} list */
export function add(files, list) {
  for (const entry of list) {
    if (entry?.type !== 'file' || typeof entry.path !== 'string') continue;
    // A large file's own oid is that of its pointer; what is downloaded is `lfs`.
    const { oid, size } = entry.lfs ?? entry;
    files.set(entry.path, { ...(typeof oid === 'string' ? { oid } : {}), ...(Number.isSafeInteger(size) ? { size } : {}) });
  }
}

/** Where the list goes on, of the same origin. @param {string | null} link @param {string} url @returns {string | null} */
export function nextPage(link, url) {
  const match = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '');
  if (!match) return null;
  const next = new URL(match[1], url);
  return next.origin === new URL(url).origin ? next.href : null;
}
