// Writing in the private file system: through the synchronous handles that workers have, which append in place and need no copy of the file.

/** A tab that was closed lets go of its lock before it lets go of its files: tries of 100 ms. */
const TRIES = 30;

/** @param {FileSystemDirectoryHandle} folder @param {string} name */
async function handleOf(folder, name) {
  const file = /** @type {any} */ (await folder.getFileHandle(name, { create: true }));
  for (let n = 1; ; n += 1) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      if (/** @type {Error} */ (error).name !== 'NoModificationAllowedError' || n >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export class Writer {
  /** @param {FileSystemDirectoryHandle} folder @param {string} name @param {number} size what is there and stays @param {() => void} release */
  static async open(folder, name, size, release) {
    const handle = await handleOf(folder, name);
    await handle.truncate(size);
    return new Writer(handle, size, release);
  }

  /** @param {any} handle @param {number} size @param {() => void} release */
  constructor(handle, size, release) {
    this.handle = handle;
    this.size = size;
    this.release = release;
  }

  /** Appends. Throws where the disk or the quota is full. @param {Uint8Array} bytes */
  append(bytes) {
    const written = this.handle.write(bytes, { at: this.size });
    if (written !== bytes.length) throw new Error('the disk is full');
    this.size += written;
  }

  /** Bytes written before. @param {number} start @param {Uint8Array} into */
  read(start, into) {
    if (this.handle.read(into, { at: start }) !== into.length) throw new Error('a kept file became shorter while it was read');
  }

  /** Everything to the disk, and the file to other tabs. */
  close() {
    if (!this.handle) return;
    try {
      this.handle.flush();
    } finally {
      this.handle.close();
      this.handle = null;
      this.release();
    }
  }
}

/** @param {FileSystemDirectoryHandle} folder @param {string} name @param {Uint8Array} bytes */
export async function writeAll(folder, name, bytes) {
  const handle = await handleOf(folder, name);
  try {
    await handle.truncate(0);
    if (handle.write(bytes, { at: 0 }) !== bytes.length) throw new Error('the disk is full');
    handle.flush();
  } finally {
    handle.close();
  }
}
