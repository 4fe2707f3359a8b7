// Keeps files that are not sent yet in this browser (IndexedDB), so that a reload loses none. What the service has
// accepted is deleted here. Without IndexedDB the page still works, and warns before it is closed.

/** @typedef {import("../pictures/picture.js").Picture} Picture */
/**
 * @typedef {object} KeptFile
 * @property {string} id
 * @property {string} owner the tab
 * @property {number} at when it was kept
 * @property {number} place in the order of choosing
 * @property {File} file
 * @property {string} hash
 * @property {string} request the key of the request it is in; empty if it is in none yet
 * @property {number} order the position of that request
 */

const DATABASE = "image-classifier";
const STORE = "unsent";
const TAB = "image-classifier.tab";
const LONGEST = 24 * 60 * 60 * 1000; // Files of tabs that were closed go after a day.

export class KeptFiles {
  #owner = tabName();
  #place = 0;
  /** @type {Promise<IDBDatabase | null>} */
  #database = open();
  /** Changes, one after the other. @type {Promise<unknown>} */
  #last = Promise.resolve();

  /** The files that this tab has not sent, in the order of choosing. @returns {Promise<KeptFile[]>} */
  async restore() {
    const database = await this.#database;
    if (!database) return [];
    const oldest = Date.now() - LONGEST;
    /** @type {KeptFile[]} */
    let all = [];
    try {
      const store = database.transaction(STORE, "readwrite").objectStore(STORE);
      all = await answer(store.getAll());
      for (const { id, at } of all) if (at < oldest) store.delete(id);
    } catch {
      // The browser's storage is damaged. New pictures must still be taken.
    }
    const mine = all.filter(({ owner, at }) => owner === this.#owner && at >= oldest).sort((a, b) => a.place - b.place);
    this.#place = mine.at(-1)?.place ?? 0;
    return mine;
  }

  /** @param {Picture[]} pictures */
  keep(pictures) {
    const files = pictures.flatMap((picture) => {
      const { file, hash } = picture;
      if (!file || picture.keptAs) return [];
      const place = ++this.#place;
      picture.keptAs = `${this.#owner}/${place}`;
      return { id: picture.keptAs, owner: this.#owner, at: Date.now(), place, file, hash, request: "", order: 0 };
    });
    this.#change((store) => files.forEach((file) => store.put(file)));
  }

  /** Notes the request that pictures are in. @param {Picture[]} pictures @param {string} request @param {number} order */
  assign(pictures, request, order) {
    const ids = pictures.flatMap(({ keptAs }) => keptAs ?? []);
    this.#change((store) => {
      for (const id of ids) {
        const reading = store.get(id);
        reading.onsuccess = () => reading.result && store.put({ ...reading.result, request, order });
      }
    });
  }

  /** @param {Picture[]} pictures */
  forget(pictures) {
    const ids = pictures.flatMap(({ keptAs }) => keptAs ?? []);
    for (const picture of pictures) picture.keptAs = undefined;
    if (ids.length > 0) this.#change((store) => ids.forEach((id) => store.delete(id)));
  }

  /** @param {(store: IDBObjectStore) => void} change */
  #change(change) {
    this.#last = this.#last.then(async () => {
      const database = await this.#database;
      if (!database) return;
      try {
        const transaction = database.transaction(STORE, "readwrite");
        change(transaction.objectStore(STORE));
        await new Promise((resolve) => (transaction.oncomplete = transaction.onabort = resolve));
      } catch {
        // The disk can be full. Then the files are lost on a reload, but not now.
      }
    });
  }
}

/** @returns {Promise<IDBDatabase | null>} */
async function open() {
  try {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id" });
    return await answer(opening);
  } catch {
    return null;
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const answer = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** The name of this tab, which a reload keeps. */
function tabName() {
  try {
    const random = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const name = sessionStorage.getItem(TAB) ?? random;
    sessionStorage.setItem(TAB, name);
    return name;
  } catch {
    return String(Math.random());
  }
}
