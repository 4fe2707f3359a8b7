// The API of the web tier: data types, addresses, and error messages.

import { anotherKey, currentKey, keyHeaders, keySettled } from "./key.js";

/** @typedef {"queued" | "classified" | "failed" | "rejected"} JobStatus */
/** @typedef {{ index: number, label: string, probability: number }} Prediction */
/** @typedef {{ name: string, sha256: string, classes?: number }} Model classes: missing in results of earlier versions */
/**
 * @typedef {object} Job
 * @property {string} [jobId]
 * @property {string} fileName
 * @property {JobStatus} status
 * @property {Prediction[]} [predictions] best first
 * @property {string} [error] a sentence for people
 * @property {Model} [model] the model that answered
 * @property {string} [instanceId] the node that answered
 * @property {Timings} [timings]
 * @property {boolean} [cached] the result is that of an earlier upload of the same picture
 */
/** @typedef {{ fetchMs: number, decodeMs: number, classifyMs: number, totalMs: number }} Timings */
/** @typedef {{ batchId: string, jobs: Job[], deadline?: string }} Batch deadline: after it no picture is begun */
/** @typedef {{ id: string, type: "result" | "complete", job?: Job }} BatchEvent */
/** @typedef {"pending" | "running" | "draining" | "ended"} InstanceState */
/**
 * @typedef {object} Instance
 * @property {string} instanceId
 * @property {InstanceState} state
 * @property {string} launchedAt
 * @property {number} [picturesDone]
 * @property {string} [model] the name of the node's own model
 * @property {Model[]} [loaded] the models of the registry that the node has loaded
 */
/**
 * @typedef {object} FleetModel
 * @property {string} name
 * @property {string} sha256
 * @property {number} [classes]
 * @property {boolean} builtIn
 * @property {"active" | "canary" | "setting" | "earlier"} [role]
 * @property {number} [share] of the batches, if it is the canary: from 0 to 1
 * @property {string} [refusal] why nodes refuse the model
 * @property {number} classified
 * @property {number} failed
 * @property {number} [failedShare] from 0 to 1
 * @property {number} [meanConfidence] from 0 to 1
 * @property {string} [since] when its first result was counted
 */
/**
 * @typedef {object} Decision
 * @property {string} at
 * @property {string} until the decision held from `at` to here
 * @property {number} waiting
 * @property {number} running
 * @property {number} pending
 * @property {number} draining
 * @property {number} wanted
 * @property {number} launched
 * @property {string} reason
 */
/**
 * @typedef {object} NodeProblem
 * @property {string} at
 * @property {string} instanceId
 * @property {string} reason
 */
/**
 * @typedef {object} Fleet
 * @property {number} maxInstances
 * @property {number} waiting
 * @property {number} backlog
 * @property {number} inFlight
 * @property {number} serviceTimeMs how long a node works on a picture
 * @property {number} bootTimeSeconds from the launch of an instance to its first poll
 * @property {Instance[]} instances
 * @property {FleetModel[]} models
 * @property {NodeProblem[]} problems why nodes could not work, newest first
 * @property {Decision[]} decisions newest first
 * @property {string} [formats] the picture formats that the service takes, as `JPEG or PNG`; missing in earlier versions
 */

/** The URL of a call, relative to where the page is mounted. @param {string} path */
const address = (path) => new URL(path, document.baseURI);

export const batchesAddress = () => address("api/batches").href;

/** @param {string} batchId */
const batchAddress = (batchId) => address(`api/batches/${encodeURIComponent(batchId)}`).href;

/** @param {string} batchId @param {string} jobId */
export const imageAddress = (batchId, jobId) => `${batchAddress(batchId)}/images/${encodeURIComponent(jobId)}`;

/** @param {string} batchId @param {string | null} after the id of the last event received */
export function socketAddress(batchId, after) {
  const url = address("ws");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("batch", batchId);
  if (after) url.searchParams.set("after", after);
  return url.href;
}

/**
 * Reads a batch; null if it does not exist. Throws if the service does not answer.
 * @param {string} batchId @param {AbortSignal} [signal] @returns {Promise<Batch | null>}
 */
export async function readBatch(batchId, signal) {
  return readJson(batchAddress(batchId), signal);
}

/**
 * Ends what waits in a batch. If that needs a key, waits until the user has entered one. Throws with a sentence if the
 * service refuses or does not answer.
 * @param {string} batchId @returns {Promise<number>} how many of the batch's pictures were cancelled, now or earlier
 */
export async function cancelWaiting(batchId) {
  for (;;) {
    await keySettled();
    const key = currentKey();
    const answer = await fetch(`${batchAddress(batchId)}?cancel=waiting`, {
      method: "DELETE",
      headers: { accept: "application/json", ...keyHeaders(key) },
      signal: AbortSignal.timeout(60_000),
    }).catch(unreachable);
    if (answer.status === 404) return 0; // The batch was deleted meanwhile.
    const body = await answer.json().catch(() => null);
    if (answer.ok) return body?.cancelled ?? 0;
    if (answer.status !== 401) throw new Error(reasonOf(answer.status, body));
    await anotherKey(key);
  }
}

/**
 * Reads the fleet. If that needs a key, waits until the user has entered one.
 * @param {AbortSignal} [signal] @returns {Promise<Fleet | null>} null if the service shows no fleet
 */
export async function readFleet(signal) {
  for (;;) {
    const key = currentKey();
    const answer = await get(fleetAddress(), signal, key);
    if (answer.status !== 401) return jsonOf(answer);
    await anotherKey(key);
  }
}

/**
 * Checks a key by reading the fleet, because that needs a key and changes nothing.
 * @param {string} key @returns {Promise<"right" | "wrong" | "unreachable" | `in ${string}`>} in: when to try again
 */
export async function tryKey(key) {
  if (!/^[!-~]+$/.test(key)) return "wrong"; // A header cannot contain it.
  try {
    const { status, headers } = await get(fleetAddress(), undefined, key);
    if (status === 401) return "wrong";
    return status === 429 ? `in ${headers.get("Retry-After") ?? "some"} s` : "right";
  } catch {
    return "unreachable";
  }
}

const fleetAddress = () => address("api/fleet").href;

/** @param {string} url @param {AbortSignal} [signal] */
const readJson = async (url, signal) => jsonOf(await get(url, signal, null));

/** @param {string} url @param {AbortSignal | undefined} signal @param {string | null} key */
function get(url, signal, key) {
  const bounded = AbortSignal.timeout(15_000);
  const either = signal && AbortSignal.any ? AbortSignal.any([signal, bounded]) : signal ?? bounded;
  const headers = { accept: "application/json", ...keyHeaders(key) };
  return fetch(url, { headers, cache: "no-store", signal: either }).catch(unreachable);
}

/** @returns {never} */
function unreachable() {
  throw new Error("The service cannot be reached.");
}

/** @param {Response} answer */
async function jsonOf(answer) {
  if (answer.status === 404 || answer.status === 400 || (await isDamaged(answer))) return null;
  if (!answer.ok) throw new Error(`The service answered ${answer.status}.`);
  return answer.json().catch(unreachable); // A proxy answered, or nobody to the end.
}

/** Whether the service no longer has what was asked for, so that a retry is useless. @param {Response} answer */
const isDamaged = async (answer) =>
  answer.status === 500 && (await typeOf(answer)) === "urn:image-classifier:batch-damaged";

/** The type of an error answer. @param {Response} answer @returns {Promise<string | undefined>} */
export const typeOf = async (answer) => (await answer.json().catch(() => null))?.type;

/**
 * The message of an error answer: its problem details, or else its status code.
 * @param {number} status @param {any} problem the body, if it was JSON
 */
export function reasonOf(status, problem) {
  return problem?.detail || problem?.title || `The service answered ${status}.`;
}
