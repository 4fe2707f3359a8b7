// What the page and the web tier say to each other: shapes, addresses and the reading of errors.

/** @typedef {"queued" | "classified" | "failed" | "rejected"} JobStatus */
/** @typedef {{ index: number, label: string, probability: number }} Prediction */
/**
 * @typedef {object} Job
 * @property {string} [jobId]
 * @property {string} fileName
 * @property {JobStatus} status
 * @property {Prediction[]} [predictions] best first
 * @property {string} [error] a sentence for people
 */
/** @typedef {{ batchId: string, jobs: Job[] }} Batch */
/** @typedef {{ id: string, type: "result" | "complete", job?: Job }} BatchEvent */
/** @typedef {"pending" | "running" | "draining" | "ended"} InstanceState */
/** @typedef {{ instanceId: string, state: InstanceState, picturesDone: number | null }} Instance */
/**
 * @typedef {object} Decision
 * @property {string} at
 * @property {number} waiting
 * @property {number} running
 * @property {number} pending
 * @property {number} wanted
 * @property {number} launched
 * @property {string} reason
 */
/**
 * @typedef {object} Fleet
 * @property {number} maxInstances
 * @property {number} waiting
 * @property {number} backlog
 * @property {number} inFlight
 * @property {Instance[]} instances
 * @property {Decision[]} decisions newest first
 */

/** The address of a call, wherever the page is mounted. @param {string} path */
const address = (path) => new URL(path, document.baseURI);

export const batchesAddress = () => address("api/batches").href;

/** @param {string} batchId */
const batchAddress = (batchId) => address(`api/batches/${encodeURIComponent(batchId)}`).href;

/** @param {string} batchId @param {string} jobId */
export const imageAddress = (batchId, jobId) => `${batchAddress(batchId)}/images/${encodeURIComponent(jobId)}`;

/** @param {string} batchId @param {string | null} after the id of the last event that was seen */
export function socketAddress(batchId, after) {
  const url = address("ws");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("batch", batchId);
  if (after) url.searchParams.set("after", after);
  return url.href;
}

/**
 * Reads a batch; null when there is none by that id. Throws when the service does not answer.
 * @param {string} batchId @param {AbortSignal} [signal] @returns {Promise<Batch | null>}
 */
export async function readBatch(batchId, signal) {
  return readJson(batchAddress(batchId), signal);
}

/** @param {AbortSignal} [signal] @returns {Promise<Fleet | null>} null where no fleet is shown */
export async function readFleet(signal) {
  return readJson(address("api/fleet").href, signal);
}

/** @param {string} url @param {AbortSignal} [signal] */
async function readJson(url, signal) {
  const bounded = AbortSignal.timeout(15_000);
  const either = signal && AbortSignal.any ? AbortSignal.any([signal, bounded]) : signal ?? bounded;
  const answer = await fetch(url, { headers: { accept: "application/json" }, cache: "no-store", signal: either });
  if (answer.status === 404 || answer.status === 400) return null;
  if (!answer.ok) throw new Error(`The service answered ${answer.status}.`);
  return answer.json();
}

/**
 * The sentence of an error answer: its problem details, or just the number.
 * @param {number} status @param {any} problem the body, if it was JSON
 */
export function reasonOf(status, problem) {
  return problem?.detail || problem?.title || `The service answered ${status}.`;
}
