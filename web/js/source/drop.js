// What a person dropped. A drop's items are dead as soon as the event is over: entries are taken at once, their contents then at leisure.

import { OnelaunchError } from './errors.js';

/** Entries of a drop that are looked at: a model has hundreds, a home folder by mistake has millions. */
const MOST = 20_000;

/**
 * Must be called in the event itself; everything before the first `await` runs there.
 * @param {Iterable<any> | ArrayLike<any>} items a DataTransferItemList
 * @returns {Promise<Map<string, File>>} files by path from the drop
 */
export function readDrop(items) {
  const roots = [];
  const files = new Map();
  for (const item of Array.from(items)) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry?.();
    if (entry) roots.push(entry);
    else {
      const file = item.getAsFile();
      if (file) files.set(file.name, file);
    }
  }
  if (roots.length + files.size === 0) {
    return Promise.reject(
      new OnelaunchError('BadRequest', 'the drop holds no files, or its event was over: call Pipeline.load in the drop event itself, before any await'),
    );
  }
  return walk(roots, files);
}

/** @param {any[]} entries @param {Map<string, File>} files */
async function walk(entries, files) {
  const open = entries.map((entry) => ({ entry, path: entry.name }));
  for (let seen = 0; open.length > 0; seen += 1) {
    if (seen > MOST) throw new OnelaunchError('BadModel', `more than ${MOST} files were dropped: drop the folder of one model`);
    const { entry, path } = /** @type {{entry: any, path: string}} */ (open.pop());
    if (entry.isFile) files.set(path, await new Promise((resolve, reject) => entry.file(resolve, reject)));
    else for (const child of await children(entry)) open.push({ entry: child, path: `${path}/${child.name}` });
  }
  return files;
}

/** `readEntries` gives a hundred at a time: it is called until it gives none. @param {any} folder @returns {Promise<any[]>} */
async function children(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    // Versions and caches beside a model: `.git`, `.cache`.
    all.push(...some.filter((/** @type {any} */ entry) => !(entry.isDirectory && entry.name.startsWith('.'))));
  }
}
