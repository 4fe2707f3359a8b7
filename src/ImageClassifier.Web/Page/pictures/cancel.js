// Cancels what waits in batches, and says what came of it.

import { cancelWaiting } from "../service/api.js";
import { counted } from "./labels.js";

/**
 * @param {string[]} batchIds
 * @returns {Promise<{ words: string, problem: string }>} problem: why some could not be cancelled; empty if all were
 */
export async function cancelBatches(batchIds) {
  // One goes first: if the service refuses the key, it refuses one call and not many.
  const outcomes = [
    ...(await Promise.allSettled(batchIds.slice(0, 1).map(cancelWaiting))),
    ...(await Promise.allSettled(batchIds.slice(1).map(cancelWaiting))),
  ];
  const cancelled = outcomes.reduce((sum, outcome) => sum + (outcome.status === "fulfilled" ? outcome.value : 0), 0);
  const refused = outcomes.find((outcome) => outcome.status === "rejected");
  const problem = refused ? `Not everything could be cancelled. ${refused.reason.message} Cancel again.` : "";
  if (cancelled > 0) return { words: `${counted(cancelled, "picture")} ${cancelled === 1 ? "was" : "were"} cancelled.`, problem };
  return { words: problem ? "" : "Nothing was cancelled, because nothing waited any more.", problem };
}
