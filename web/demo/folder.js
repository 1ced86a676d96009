// A model's folder out of a drop or the directory picker, as something that can be read more than once.

/** Must be called inside the drop event: its items are gone a turn later. Gives a promise of a source, or null for nothing of use. */
export function folderOfDrop(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === 'file');
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  return (async () => {
    if (!entries.some((entry) => entry.isDirectory)) return files.length ? files : null;
    const found = [];
    for (const entry of entries) await walk(entry, found);
    return found.length ? found : null;
  })();
}

/** The directory picker, where there is one, else the file field; null when the person thought better of it. */
export async function pickFolder(field) {
  if (window.showDirectoryPicker) {
    try {
      return await window.showDirectoryPicker({ id: 'onelaunch-model', mode: 'read' });
    } catch (error) {
      if (error.name === 'AbortError') return null;
      // Inside some frames the picker is refused while the file field works.
    }
  }
  field.click();
  return null;
}

/** Names such as `my-model (12 files)` for what was picked. */
export function folderName(source) {
  if (Array.isArray(source)) return source[0]?.webkitRelativePath?.split('/')[0] || source[0]?.name || 'a folder';
  return source.name ?? 'a folder';
}

async function walk(entry, found) {
  if (entry.isDirectory) {
    const reader = entry.createReader();
    // A reader gives at most 100 entries a time and nothing when it is through.
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return;
      for (const inner of some) await walk(inner, found);
    }
  }
  const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
  // Files of a drop do not know where in the folder they lay; those of a file field do, and the package looks there.
  Object.defineProperty(file, 'webkitRelativePath', { value: entry.fullPath.replace(/^\//, '') });
  found.push(file);
}
