// Past pictures with their recipes, kept in IndexedDB, the oldest dropped beyond a bound.

const MOST_ENTRIES = 60;
const MOST_BYTES = 48e6;
const STORE = 'pictures';

export class History {
  /** Newest first: `{ id, when, blob, settings, recipe, receipt, tint, width, height }`. */
  entries = [];
  #db = null;

  /** Reads what is there. Without IndexedDB (some private windows) the pictures live as long as the page. */
  static async open() {
    const history = new History();
    try {
      history.#db = await opened();
      history.entries = (await all(history.#db)).sort((a, b) => b.when - a.when);
    } catch {
      history.#db = null;
    }
    return history;
  }

  /** Whether pictures outlive the page. */
  get keeps() { return this.#db !== null; }

  async add(entry) {
    entry.id = crypto.randomUUID?.() ?? `${entry.when}-${Math.random()}`;
    this.entries.unshift(entry);
    const gone = this.#beyond();
    await this.#change((store) => {
      store.put(entry);
      for (const { id } of gone) store.delete(id);
    });
    return entry;
  }

  async remove(id) {
    this.entries = this.entries.filter((entry) => entry.id !== id);
    await this.#change((store) => store.delete(id));
  }

  async clear() {
    this.entries = [];
    await this.#change((store) => store.clear());
  }

  #beyond() {
    let sum = 0;
    const kept = [];
    const gone = [];
    for (const entry of this.entries) {
      sum += entry.blob.size;
      // The newest stays, however large it is.
      (kept.length === 0 || (kept.length < MOST_ENTRIES && sum <= MOST_BYTES) ? kept : gone).push(entry);
    }
    this.entries = kept;
    return gone;
  }

  /** A full disk must not cost the person the picture on the screen: it stays in memory then. */
  async #change(write) {
    if (!this.#db) return;
    try {
      const transaction = this.#db.transaction(STORE, 'readwrite');
      write(transaction.objectStore(STORE));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
      });
    } catch {
      this.#db = null;
    }
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('onelaunch', 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}

function all(db) {
  return new Promise((resolve, reject) => {
    const request = db.transaction(STORE).objectStore(STORE).getAll();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
