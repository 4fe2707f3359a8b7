// Follows one batch to its end: over a WebSocket that resumes, and by asking again and again where sockets fail.

import { readBatch, socketAddress } from "./api.js";
import { backOff, pause } from "./pause.js";

/** @typedef {import("./api.js").Job} Job */
/** @typedef {import("./api.js").BatchEvent} BatchEvent */

const MAX_SOCKETS = 16; // Browsers and servers both bound them; batches end roughly in order, so the rest can wait.
const CONNECT_TIMEOUT = 10_000;
const SILENCE = 30_000; // A connection can die without a word: after so long without one, compare with the service.
const FAILURES_BEFORE_POLLING = 3;
const POLLS_BEFORE_SOCKET = 8;
const POLL_INTERVAL = 2_000;

let free = MAX_SOCKETS;
/** @type {(() => void)[]} */
const line = [];

/**
 * Resolves when the batch is complete (or gone, or the signal fired). Jobs may be told more than once, for instance
 * after the service was restarted: take the first of each jobId.
 * @param {string} batchId
 * @param {{ job: (job: Job) => void, gone: () => void }} events gone: the service does not know the batch any more
 * @param {AbortSignal} [signal]
 */
export async function followBatch(batchId, events, signal) {
  if (free > 0) free--;
  else await new Promise((/** @type {(value?: any) => void} */ resolve) => line.push(resolve));
  try {
    await follow(batchId, events, signal);
  } finally {
    const next = line.shift();
    if (next) next();
    else free++;
  }
}

/**
 * @param {string} batchId
 * @param {{ job: (job: Job) => void, gone: () => void }} events
 * @param {AbortSignal} [signal]
 */
async function follow(batchId, events, signal) {
  /** @type {string | null} */
  let after = null;
  let failures = 0;
  /** How each job ended: one that failed can be classified yet. @type {Map<string, Job["status"]>} */
  const seen = new Map();

  const take = (/** @type {Job | undefined} */ job) => {
    if (!job?.jobId || job.status === "queued") return false;
    const known = seen.get(job.jobId);
    if (known && !(known === "failed" && job.status === "classified")) return false;
    seen.set(job.jobId, job.status);
    events.job(job);
    return true;
  };

  /** @returns {Promise<"complete" | "news" | "same" | "unknown">} */
  const compare = async () => {
    try {
      const batch = await readBatch(batchId, signal);
      if (!batch) {
        events.gone();
        return "complete";
      }
      const news = batch.jobs.map(take).includes(true);
      if (!batch.jobs.some((job) => job.status === "queued")) return "complete";
      return news ? "news" : "same";
    } catch {
      return "unknown";
    }
  };

  while (!signal?.aborted) {
    const heard = await listen(
      socketAddress(batchId, after),
      (event) => {
        after = event.id ?? after;
        if (event.type === "result") take(event.job);
      },
      compare,
      signal,
    );
    // What the last event promised is checked, because nothing comes after it.
    if (heard === "complete" && (await compare()) === "complete") return;
    failures = heard === "some" ? 1 : failures + 1;

    if (failures < FAILURES_BEFORE_POLLING) {
      await pause(backOff(failures), signal);
      continue;
    }
    for (let poll = 0; poll < POLLS_BEFORE_SOCKET && !signal?.aborted; poll++) {
      if ((await compare()) === "complete") return;
      await pause(POLL_INTERVAL * (0.75 + Math.random() / 2), signal);
    }
  }
}

/**
 * One connection, until it closes.
 * @param {string} url
 * @param {(event: BatchEvent) => void} onEvent
 * @param {() => Promise<"complete" | "news" | "same" | "unknown">} compare with what the service has stored
 * @param {AbortSignal} [signal]
 * @returns {Promise<"complete" | "some" | "nothing">} what was heard on it
 */
function listen(url, onEvent, compare, signal) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    /** @type {"complete" | "some" | "nothing"} */
    let heard = "nothing";
    let watch = setTimeout(end, CONNECT_TIMEOUT);
    let ended = false;

    function end() {
      ended = true;
      clearTimeout(watch);
      signal?.removeEventListener("abort", end);
      removeEventListener("offline", end);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
      resolve(heard);
    }

    function listenOn() {
      clearTimeout(watch);
      watch = setTimeout(async () => {
        const found = await compare();
        if (ended) return;
        // News that the socket did not bring, or a service out of reach: this connection is dead.
        if (found === "same") return listenOn();
        if (found === "complete") heard = "complete";
        end();
      }, SILENCE);
    }

    socket.onopen = listenOn;
    socket.onmessage = ({ data }) => {
      const event = eventOf(data);
      if (!event) return;
      listenOn();
      if (heard === "nothing") heard = "some";
      onEvent(event);
      if (event.type === "complete") {
        heard = "complete";
        end();
      }
    };
    socket.onclose = end;
    signal?.addEventListener("abort", end);
    addEventListener("offline", end);
  });
}

/** @param {any} data @returns {BatchEvent | null} */
function eventOf(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
