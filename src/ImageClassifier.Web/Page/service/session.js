// Remembers across reloads which batches this tab shows, and makes links to them.

const KEY = "image-classifier.batches";

/**
 * @typedef {object} Note what the page knows about a job and the service does not
 * @property {string} [hash] the file's SHA-256
 * @property {string[]} [twins] the names of other files with the same bytes, which were not sent
 * @property {string} [rightLabel] the label that the user says is right
 */
/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {number} order
 * @property {string[]} cleared jobs that the user has cleared
 * @property {string} [request] the key of the request that this page sent; missing in entries of links and earlier versions
 * @property {Record<string, Note>} [notes] by job; missing in entries of earlier versions
 */

export class Session {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  #lastOrder = 0;
  #storing = false;

  constructor() {
    for (const entry of stored()) {
      this.#entries.set(entry.id, entry);
      this.#lastOrder = Math.max(this.#lastOrder, entry.order);
    }
  }

  /** Reserves a position in the order of choosing, for a batch that has no id yet. */
  reserve() {
    return ++this.#lastOrder;
  }

  /** @param {string} id @param {number} [order] @param {string} [request] the key of its request */
  remember(id, order = this.reserve(), request) {
    if (this.#entries.has(id)) return;
    this.#entries.set(id, { id, order, cleared: [], request });
    this.#store();
  }

  /** Whether the service has accepted a request. @param {string} request its key */
  hasAccepted(request) {
    return request !== "" && [...this.#entries.values()].some((entry) => entry.request === request);
  }

  /** @param {string} id */
  forget(id) {
    if (this.#entries.delete(id)) this.#store();
  }

  /** @param {string} id @param {string[]} jobIds */
  clear(id, jobIds) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.cleared.push(...jobIds);
    this.#storeSoon();
  }

  /** @param {string} id @param {string | undefined} jobId */
  isCleared(id, jobId) {
    return jobId !== undefined && Boolean(this.#entries.get(id)?.cleared.includes(jobId));
  }

  /** Adds to what is known about a job. @param {string} id @param {string} jobId @param {Note} note */
  note(id, jobId, note) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.notes ??= {};
    entry.notes[jobId] = { ...entry.notes[jobId], ...note };
    this.#storeSoon();
  }

  /** @param {string} id @param {string | undefined} jobId @returns {Note} */
  noteOf(id, jobId) {
    return this.#entries.get(id)?.notes?.[jobId ?? ""] ?? {};
  }

  /** The batch ids in the order of choosing. */
  ids() {
    return [...this.#entries.values()].sort((a, b) => a.order - b.order).map((entry) => entry.id);
  }

  /** Many changes come at once. */
  #storeSoon() {
    if (this.#storing) return;
    this.#storing = true;
    queueMicrotask(() => this.#store());
  }

  #store() {
    this.#storing = false;
    try {
      sessionStorage.setItem(KEY, JSON.stringify([...this.#entries.values()]));
    } catch {
      // Storage can be full or forbidden. The page still works, but forgets its batches on a reload.
    }
  }
}

/** @returns {Entry[]} */
function stored() {
  try {
    /** @type {any[]} */
    const entries = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return entries.filter((entry) => typeof entry?.id === "string" && Array.isArray(entry.cleared));
  } catch {
    return [];
  }
}

/** The batches in the page's address: `?batch=ID` or `#batch=ID,ID`. */
export function linkedIds() {
  const values = [new URLSearchParams(location.search), new URLSearchParams(location.hash.slice(1))]
    .flatMap((parameters) => parameters.getAll("batch"))
    .flatMap((value) => value.split(","));
  return [...new Set(values.filter((id) => id !== ""))];
}

/**
 * A link that shows these batches. The ids are in the fragment: browsers do not send it, so it is in no log.
 * @param {string[]} ids
 */
export function linkTo(ids) {
  const url = new URL(location.pathname, location.href);
  url.hash = `batch=${ids.join(",")}`;
  return url.href;
}

/** Removes the batches from the page's address, so that a reload does not restore cleared ones. */
export function unlink() {
  if (linkedIds().length > 0) history.replaceState(null, "", location.pathname);
}
