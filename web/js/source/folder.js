// A model folder that a person picked or dropped. Nothing of it is copied: pieces are read when wasm asks for them.

import { OnelaunchError } from './errors.js';
import { LocalFile } from './file.js';
import { read } from './keep.js';
import { headerLength } from './safetensors.js';

const INDEX = 'model_index.json';

/**
 * The files below the topmost model_index.json, by path from there, and what that folder is called.
 * @template T
 * @param {Map<string, T>} files
 * @returns {{name: string, files: Map<string, T>}}
 */
export function modelRoot(files) {
  const depth = (/** @type {string} */ path) => path.split('/').length;
  const found = [...files.keys()].filter((path) => path === INDEX || path.endsWith(`/${INDEX}`)).sort((a, b) => depth(a) - depth(b));
  if (found.length === 0) {
    throw new OnelaunchError(
      'BadModel',
      `no ${INDEX} among the ${files.size} files that were given: give the whole folder of a diffusers pipeline; single-file checkpoints are not read`,
    );
  }
  if (found.length > 1 && depth(found[0]) === depth(found[1])) {
    throw new OnelaunchError('BadModel', `more than one model was given (${found[0]}, ${found[1]}): give one folder`);
  }
  const root = found[0].slice(0, -INDEX.length);
  const inside = [...files].filter(([path]) => path.startsWith(root)).map(([path, file]) => /** @type {[string, T]} */ ([path.slice(root.length), file]));
  return { name: root.split('/').at(-2) ?? 'local files', files: new Map(inside) };
}

/** Files by path. */
export class FilesHost {
  /** @param {string} name @param {Map<string, File>} files */
  constructor(name, files) {
    this.name = name;
    this.files = files;
  }
  /** @param {string} path @returns {Promise<File | undefined>} */
  async file(path) {
    return this.files.get(path);
  }
  /** @param {string} path */
  async read(path) {
    return take(path, async () => {
      const file = await this.file(path);
      return file ? read(file, 0, file.size) : null;
    });
  }
  /** @param {string} path */
  async open(path) {
    return take(path, async () => {
      const file = await this.file(path);
      if (!file) return null;
      const first = await read(file, 0, Math.min(8, file.size));
      // What is no safetensors is handed on as it begins: Rust says what is wrong with it.
      const n = headerLength(first);
      return new LocalFile(file, n === null ? first : await read(file, 0, Math.min(n, file.size)));
    });
  }
}

/** A directory handle, walked by name: a folder of many models is not listed. */
export class DirectoryHost extends FilesHost {
  /** @param {FileSystemDirectoryHandle} handle */
  static async of(handle) {
    if (await handle.getFileHandle(INDEX).catch(() => null)) return new DirectoryHost(handle);
    /** @type {Map<string, FileSystemDirectoryHandle>} */
    const inside = new Map();
    let others = 0;
    for await (const child of /** @type {any} */ (handle).values()) {
      if (child.kind !== 'directory') others += 1;
      else if (await child.getFileHandle(INDEX).catch(() => null)) inside.set(`${child.name}/${INDEX}`, child);
    }
    if (inside.size === 0) throw new OnelaunchError('BadModel', `no ${INDEX} in ${handle.name} (${others} files) or the folders in it: pick the folder of a diffusers pipeline`);
    const [root] = modelRoot(inside).files.values();
    return new DirectoryHost(root);
  }
  /** @param {FileSystemDirectoryHandle} handle */
  constructor(handle) {
    super(handle.name, new Map());
    this.handle = handle;
  }
  /** @param {string} path */
  async file(path) {
    const parts = path.split('/');
    const name = /** @type {string} */ (parts.pop());
    try {
      let folder = this.handle;
      for (const part of parts) folder = await folder.getDirectoryHandle(part);
      return await (await folder.getFileHandle(name)).getFile();
    } catch (error) {
      const { name: kind } = /** @type {Error} */ (error);
      if (kind === 'NotFoundError' || kind === 'TypeMismatchError') return undefined;
      throw error;
    }
  }
}

/** @template T @param {string} path @param {() => Promise<T>} how @returns {Promise<T>} */
async function take(path, how) {
  try {
    return await how();
  } catch (cause) {
    if (cause instanceof OnelaunchError) throw cause;
    throw new OnelaunchError('Download', `${path}: the local file cannot be read (${/** @type {Error} */ (cause).message}): give the folder again`, { cause });
  }
}
