// Sends pictures in several requests: each stays far below the service's limits, and results come early.

import { UNREADABLE, isReadable } from "./look.js";
import { batchesAddress, reasonOf } from "../service/api.js";
import { anotherKey, currentKey, keyHeaders, keySettled } from "../service/key.js";
import { backOff, pause } from "../service/pause.js";

/** @typedef {import("../service/api.js").Batch} Batch */
/** @typedef {import("../service/api.js").Job} Job */

/**
 * @template T
 * @typedef {object} Chunk the content of one request
 * @property {{ file: File, size: number, tag: T }[]} items size: cached, because File.size can access the disk
 * @property {number} bytes
 * @property {string} key identifies the request, so that the service recognises a repeat
 * @property {number} order position in the order of choosing
 */

/**
 * @template T
 * @typedef {object} UploadEvents
 * @property {(chunk: Chunk<T>) => void} formed the key and the items of a request are settled
 * @property {(tag: T, sent: number) => void} progress sent: from 0 to 1
 * @property {(chunk: Chunk<T>, batch: Batch) => void} accepted the jobs are in the order of the items
 * @property {(chunk: Chunk<T>, reason: string, jobs: Job[]) => void} refused permanently; jobs can be empty
 * @property {(chunk: Chunk<T>, reason: string) => void} unsent given up; `retry` tries again
 * @property {(seconds: number | null) => void} busy when the service wants a retry; null once it is no longer busy
 */

const MAX_FILES = 100;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_IN_FLIGHT = 2;
const MAX_FAILURES = 5;

/** Why pictures are unsent after `stop`. */
export const STOPPED = "You stopped the upload.";

/** @template T */
export class Uploader {
  #events;
  #reserveOrder;
  /** Files that are in no chunk yet. @type {{ file: File, tag: T }[]} */
  #pending = [];
  /** @type {Chunk<T>[]} */
  #queue = [];
  /** @type {Chunk<T>[]} */
  #unsent = [];
  #inFlight = 0;
  /** Aborts the requests under way. */
  #life = new AbortController();

  /** @param {UploadEvents<T>} events @param {() => number} reserveOrder */
  constructor(events, reserveOrder) {
    this.#events = events;
    this.#reserveOrder = reserveOrder;
  }

  /** Whether pictures would be lost if the page were closed now. */
  get busy() {
    return this.#inFlight > 0 || this.#queue.length > 0 || this.#pending.length > 0;
  }

  /** @param {{ file: File, tag: T }[]} items */
  add(items) {
    this.#pending.push(...items);
    this.#pump();
  }

  /** Sends again what an earlier life of the page may have sent already, with the same keys. @param {Chunk<T>[]} chunks */
  resume(chunks) {
    this.#queue.push(...chunks);
    this.#pump();
  }

  /** Gives up what an earlier life of the page was stopped at; `retry` sends it, with the same keys. @param {Chunk<T>[]} chunks */
  setAside(chunks) {
    for (const chunk of chunks) this.#giveUp(chunk, STOPPED);
  }

  /** Sends the given-up chunks again, with the same keys. */
  retry() {
    this.#queue.unshift(...this.#unsent.splice(0));
    this.#pump();
  }

  /** Aborts the uploads under way and gives up all others; `retry` sends them. */
  stop() {
    this.#life.abort();
    this.#life = new AbortController();
    for (let chunk = this.#queue.shift() ?? this.#next(); chunk; chunk = this.#queue.shift() ?? this.#next()) {
      this.#giveUp(chunk, STOPPED);
    }
  }

  /** Forgets the given-up chunks. */
  discard() {
    this.#unsent = [];
  }

  /** @param {Chunk<T>} chunk @param {string} reason */
  #giveUp(chunk, reason) {
    this.#unsent.push(chunk);
    this.#events.unsent(chunk, reason);
  }

  /** Takes the next chunk from the pending files. @returns {Chunk<T> | null} */
  #next() {
    const items = [];
    let bytes = 0;
    while (this.#pending.length > 0 && items.length < MAX_FILES) {
      const { file, tag } = this.#pending[0];
      const { size } = file;
      if (items.length > 0 && bytes + size > MAX_BYTES) break;
      this.#pending.shift();
      items.push({ file, size, tag });
      bytes += size;
    }
    return items.length > 0 ? this.#form(items, this.#reserveOrder()) : null;
  }

  /** @param {Chunk<T>["items"]} items @param {number} order */
  #form(items, order) {
    const chunk = chunkOf(items, order);
    this.#events.formed(chunk);
    return chunk;
  }

  #pump() {
    while (this.#inFlight < MAX_IN_FLIGHT) {
      const chunk = this.#queue.shift() ?? this.#next();
      if (!chunk) return;
      this.#inFlight++;
      this.#deliver(chunk).finally(() => {
        this.#inFlight--;
        this.#pump();
      });
    }
  }

  /** @param {Chunk<T>} chunk */
  async #deliver(chunk) {
    const { signal } = this.#life;
    for (let failures = 0; ; ) {
      await keySettled();
      const key = currentKey();
      const { status, retryAfter, body } = await post(chunk, key, signal, (sent) => this.#spread(chunk, sent));

      if (signal.aborted && status !== 202) return this.#giveUp(chunk, STOPPED);
      if (status === 202) return this.#events.accepted(chunk, body);

      if (status === 401) {
        await anotherKey(key);
        continue;
      }

      if (status === 413 && chunk.items.length > 1) {
        const middle = chunk.items.length >> 1;
        const halves = [chunk.items.slice(0, middle), chunk.items.slice(middle)];
        // A position between this chunk's and the next one's.
        this.#queue.unshift(...halves.map((items, half) => this.#form(items, chunk.order + half * 0.5)));
        return;
      }

      if (retryAfter !== null && (status === 429 || status === 503 || status === 409)) {
        this.#events.busy(retryAfter);
        await pause(retryAfter * 1000 + Math.random() * 1000, signal);
        this.#events.busy(null);
        continue;
      }

      const unreadable = status === 0 ? await unreadableOf(chunk.items) : [];
      if (unreadable.length > 0) return this.#leaveOut(chunk, unreadable);

      const passing = status === 0 || status === 408 || status === 429 || status >= 500;
      if (!passing) return this.#events.refused(chunk, reasonOf(status, body), body?.jobs ?? []);
      if (++failures >= MAX_FAILURES) {
        return this.#giveUp(chunk, status === 0 ? "The service cannot be reached." : reasonOf(status, body));
      }
      await pause(backOff(failures), signal);
    }
  }

  /**
   * Refuses files of a chunk that changed or vanished. The browser sends no request that has one of them.
   * @param {Chunk<T>} chunk @param {Chunk<T>["items"]} unreadable
   */
  #leaveOut(chunk, unreadable) {
    this.#events.refused(chunkOf(unreadable, chunk.order), UNREADABLE, []);
    const rest = chunk.items.filter((item) => !unreadable.includes(item));
    if (rest.length > 0) this.#queue.unshift(this.#form(rest, chunk.order));
  }

  /** Reports the progress of each file; they are sent in turn. @param {Chunk<T>} chunk @param {number} sent */
  #spread(chunk, sent) {
    let before = 0;
    for (const { size, tag } of chunk.items) {
      const done = sent * chunk.bytes - before;
      if (done <= 0 && sent < 1) return;
      this.#events.progress(tag, size === 0 ? 1 : Math.min(1, done / size));
      before += size;
    }
  }
}

/**
 * @template T @param {Chunk<T>["items"]} items @param {number} order
 * @param {string} [key] of an earlier life of the page @returns {Chunk<T>}
 */
export function chunkOf(items, order, key = randomKey()) {
  return { items, order, key, bytes: items.reduce((sum, { size }) => sum + size, 0) };
}

/** @template {{ file: File }} I @param {I[]} items */
async function unreadableOf(items) {
  const readable = await Promise.all(items.map(({ file }) => isReadable(file)));
  return items.filter((_, index) => !readable[index]);
}

/**
 * Sends one request. It uses XMLHttpRequest because fetch does not report upload progress.
 * @param {Chunk<any>} chunk @param {string | null} key @param {AbortSignal} signal
 * @param {(sent: number) => void} onProgress
 * @returns {Promise<{ status: number, retryAfter: number | null, body: any }>} status 0: no answer
 */
function post(chunk, key, signal, onProgress) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ status: 0, retryAfter: null, body: null });
    const form = new FormData();
    for (const { file } of chunk.items) form.append("files", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", batchesAddress());
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Idempotency-Key", chunk.key);
    for (const [name, value] of Object.entries(keyHeaders(key))) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.onloadend = () => {
      signal.removeEventListener("abort", abort);
      resolve({
        status: request.status,
        retryAfter: secondsOf(request.status === 0 ? null : request.getResponseHeader("Retry-After")),
        body: jsonOf(request.responseText),
      });
    };
    request.send(form);
  });
}

/** Retry-After is a number of seconds or a date. @param {string | null} header */
function secondsOf(header) {
  if (header === null) return null;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(300, Math.max(1, Math.ceil(seconds))) : null;
}

/** @param {string} text */
function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** 128 random bits. A page served over plain HTTP does not have randomUUID. */
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
