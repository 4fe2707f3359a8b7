// Follows one batch to its end over a WebSocket that resumes. If sockets fail repeatedly, it polls.

import { readBatch, socketAddress } from "./api.js";
import { backOff, pause } from "./pause.js";

/** @typedef {import("./api.js").Job} Job */
/** @typedef {import("./api.js").BatchEvent} BatchEvent */

const MAX_SOCKETS = 16; // Browsers and servers limit sockets. Batches end roughly in order, so the others can wait.
const CONNECT_TIMEOUT = 10_000;
const SILENCE = 30_000; // A connection can die silently, so after this time the batch is compared with the service.
const FAILURES_BEFORE_POLLING = 3;
const POLLS_BEFORE_SOCKET = 8;
const POLL_INTERVAL = 2_000;

let free = MAX_SOCKETS;
/** @type {(() => void)[]} */
const line = [];

/**
 * Resolves when the batch is complete or gone, or when the signal fires. A job can be reported more than once, for
 * example after a restart of the service. Only its first result counts, or a success after a failure.
 * @param {string} batchId
 * @param {{ job: (job: Job) => void, gone: () => void }} events gone: the service no longer has the batch
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
  /** The status of each finished job; a failed job can still be classified. @type {Map<string, Job["status"]>} */
  const seen = new Map();

  const take = (/** @type {Job | undefined} */ job) => {
    if (!job?.jobId || job.status === "queued") return false;
    const known = seen.get(job.jobId);
    if (known && !(known === "failed" && job.status === "classified")) return false;
    seen.set(job.jobId, job.status);
    events.job(job);
    return true;
  };

  /** @returns {Promise<"complete" | "changed" | "same" | "unknown">} */
  const compare = async () => {
    try {
      const batch = await readBatch(batchId, signal);
      if (!batch) {
        events.gone();
        return "complete";
      }
      const changed = batch.jobs.map(take).includes(true);
      if (!batch.jobs.some((job) => job.status === "queued")) return "complete";
      return changed ? "changed" : "same";
    } catch {
      return "unknown";
    }
  };

  while (!signal?.aborted) {
    const received = await listen(
      socketAddress(batchId, after),
      (event) => {
        after = event.id ?? after;
        if (event.type === "result") take(event.job);
      },
      compare,
      signal,
    );
    // Nothing comes after the last event, so the batch is compared with the service once more.
    if (received === "complete" && (await compare()) === "complete") return;
    failures = received === "some" ? 1 : failures + 1;

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
 * Listens on one connection until it closes.
 * @param {string} url
 * @param {(event: BatchEvent) => void} onEvent
 * @param {() => Promise<"complete" | "changed" | "same" | "unknown">} compare compares with the stored batch
 * @param {AbortSignal} [signal]
 * @returns {Promise<"complete" | "some" | "nothing">} which events were received
 */
function listen(url, onEvent, compare, signal) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    /** @type {"complete" | "some" | "nothing"} */
    let received = "nothing";
    let watch = setTimeout(end, CONNECT_TIMEOUT);
    let ended = false;

    function end() {
      ended = true;
      clearTimeout(watch);
      signal?.removeEventListener("abort", end);
      removeEventListener("offline", end);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
      resolve(received);
    }

    function listenOn() {
      clearTimeout(watch);
      watch = setTimeout(async () => {
        const found = await compare();
        if (ended) return;
        // The service has results that the socket did not deliver, or is unreachable: this connection is dead.
        if (found === "same") return listenOn();
        if (found === "complete") received = "complete";
        end();
      }, SILENCE);
    }

    socket.onopen = listenOn;
    socket.onmessage = ({ data }) => {
      const event = eventOf(data);
      if (!event) return;
      listenOn();
      if (received === "nothing") received = "some";
      onEvent(event);
      if (event.type === "complete") {
        received = "complete";
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
