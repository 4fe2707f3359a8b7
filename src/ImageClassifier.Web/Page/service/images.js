// The original pictures that the service keeps. Of a batch that was sent by reference it keeps none.

import { imageAddress, typeOf } from "./api.js";

/** @typedef {import("../pictures/picture.js").Picture} Picture */

const NOT_STORED = "urn:image-classifier:image-not-stored";

/**
 * @typedef {object} Original where the original of a picture is
 * @property {string} address empty if there is none
 * @property {string} lack why there is none; empty if there is one
 */

/** Whether the pictures of a batch are stored: all or none. @type {Map<string, Promise<boolean>>} */
const stored = new Map();

/** @param {Picture} picture @returns {Promise<Original>} */
export async function originalOf({ batchId, jobId, state }) {
  if (!batchId || !jobId || state === "rejected") return { address: "", lack: "No preview" };
  if (await areStored(batchId, jobId)) return { address: imageAddress(batchId, jobId), lack: "" };
  return { address: "", lack: "The picture was sent by its address, and the service keeps no copy." };
}

/** Reads the original of a picture. Throws with a sentence if there is none. @param {Picture} picture @returns {Promise<Blob>} */
export async function readOriginal(picture) {
  const { address, lack } = await originalOf(picture);
  if (address === "") throw new Error(lack);
  const answer = await fetch(address, { signal: AbortSignal.timeout(60_000) }).catch(() => null);
  if (!answer?.ok) throw new Error("The service no longer has the picture.");
  return answer.blob();
}

/**
 * One look is enough for a batch. Each further one would be an error in the browser's console.
 * @param {string} batchId @param {string} jobId
 */
function areStored(batchId, jobId) {
  const known = stored.get(batchId);
  if (known) return known;
  const looking = look(imageAddress(batchId, jobId));
  stored.set(batchId, looking);
  return looking;
}

/** @param {string} address */
async function look(address) {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(15_000) });
    if (answer.status === 404) return (await typeOf(answer)) !== NOT_STORED;
    await answer.body?.cancel();
  } catch {
    // Without an answer the picture is tried, and has no preview if that fails too.
  }
  return true;
}
