// Keeps files that are not sent yet in this browser (IndexedDB), so that a reload loses none. What the service has
// accepted is deleted here. Without IndexedDB the page still works, and warns before it is closed.

import { pause } from "../service/pause.js";

/** @typedef {import("../pictures/picture.js").Picture} Picture */
/**
 * @typedef {object} KeptFile
 * @property {string} id
 * @property {string} owner the tab
 * @property {number} at when it was kept
 * @property {number} place in the order of choosing
 * @property {File} file
 * @property {string} hash
 * @property {string[]} [twins] the names of other files with the same bytes; missing in files of earlier versions
 * @property {string} request the key of the request it is in; empty if it is in none yet
 * @property {number} order the position of that request
 * @property {boolean} [stopped] whether the user stopped its upload; missing in files of earlier versions
 */

const DATABASE = "image-classifier";
const STORE = "unsent";
const TAB = "image-classifier.tab";
const LONGEST = 24 * 60 * 60 * 1000; // Files of tabs that were closed go after a day.
const ANSWER_TIME = 500; // A tab that works hard answers late.

export class KeptFiles {
  #owner = tabName();
  /** Begins the ids of what this life of the page keeps. */
  #life = randomName();
  #place = 0;
  /** @type {Promise<IDBDatabase | null>} */
  #database = open();
  /** Changes, one after the other. @type {Promise<unknown>} */
  #last = Promise.resolve();

  /** The files that this tab has not sent, in the order of choosing. @returns {Promise<KeptFile[]>} */
  async restore() {
    const [database, mine] = await Promise.all([this.#database, this.#owner]);
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
    const files = all.filter(({ owner, at }) => owner === mine && at >= oldest).sort((a, b) => a.place - b.place);
    this.#place = files.at(-1)?.place ?? 0;
    return files;
  }

  /** @param {Picture[]} pictures */
  keep(pictures) {
    const files = pictures.flatMap((picture) => {
      const { file, hash } = picture;
      if (!file || picture.keptAs) return [];
      const place = ++this.#place;
      picture.keptAs = `${this.#life}/${place}`;
      return { id: picture.keptAs, at: Date.now(), place, file, hash, twins: namesOfTwins(picture), request: "", order: 0 };
    });
    this.#change((store, owner) => files.forEach((file) => store.put({ ...file, owner })));
  }

  /** Notes the request that pictures are in. @param {Picture[]} pictures @param {string} request @param {number} order */
  assign(pictures, request, order) {
    this.#note(pictures, { request, order });
  }

  /** Notes whether the user stopped the upload of pictures. @param {Picture[]} pictures @param {boolean} stopped */
  setStopped(pictures, stopped) {
    this.#note(pictures, { stopped });
  }

  /** Notes the twins of a picture. @param {Picture} picture */
  noteTwins(picture) {
    this.#note([picture], { twins: namesOfTwins(picture) });
  }

  /** @param {Picture[]} pictures */
  forget(pictures) {
    const ids = pictures.flatMap(({ keptAs }) => keptAs ?? []);
    for (const picture of pictures) picture.keptAs = undefined;
    if (ids.length > 0) this.#change((store) => ids.forEach((id) => store.delete(id)));
  }

  /** @param {Picture[]} pictures @param {Partial<KeptFile>} news */
  #note(pictures, news) {
    const ids = pictures.flatMap(({ keptAs }) => keptAs ?? []);
    if (ids.length === 0) return;
    this.#change((store) => {
      for (const id of ids) {
        const reading = store.get(id);
        reading.onsuccess = () => reading.result && store.put({ ...reading.result, ...news });
      }
    });
  }

  /** @param {(store: IDBObjectStore, owner: string) => void} change */
  #change(change) {
    this.#last = this.#last.then(async () => {
      const [database, owner] = await Promise.all([this.#database, this.#owner]);
      if (!database) return;
      try {
        const transaction = database.transaction(STORE, "readwrite");
        change(transaction.objectStore(STORE), owner);
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

/** @param {Picture} picture */
const namesOfTwins = ({ twins }) => twins.map(({ fileName }) => fileName);

const randomName = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** The name of this tab, which a reload keeps. A duplicated tab gets another one, though its session storage is a copy. */
async function tabName() {
  try {
    const stored = sessionStorage.getItem(TAB);
    const name = stored && !(await isTaken(stored)) ? stored : randomName();
    sessionStorage.setItem(TAB, name);
    const channel = channelOf(name);
    channel.onmessage = ({ data }) => data === "Taken?" && channel.postMessage("Taken.");
    return name;
  } catch {
    return randomName(); // The browser forbids storage.
  }
}

/** Whether another tab has the name. @param {string} name @returns {Promise<boolean>} */
async function isTaken(name) {
  const channel = channelOf(name);
  /** @type {Promise<boolean>} */
  const answered = new Promise((resolve) => {
    channel.onmessage = ({ data }) => data === "Taken." && resolve(true);
  });
  channel.postMessage("Taken?");
  const taken = await Promise.race([answered, pause(ANSWER_TIME).then(() => false)]);
  channel.close();
  return taken;
}

/** @param {string} name */
const channelOf = (name) => new BroadcastChannel(`${TAB}/${name}`);
