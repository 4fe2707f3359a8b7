// What the fleet did in the last ten minutes. Before the page was opened, the scaler's decisions say it.

/** @typedef {import("../service/api.js").Fleet} Fleet */
/**
 * @typedef {object} Moment
 * @property {number} at in ms
 * @property {number} waiting
 * @property {number} pending
 * @property {number} running
 * @property {number} draining
 * @property {number} rate results a second; 0 while it is unknown
 */

export const SPAN = 600_000;

export class FleetHistory {
  /** Oldest first. @type {Moment[]} */
  #moments = [];
  /** @type {{ at: number, results: number } | null} */
  #counted = null;

  get moments() {
    return this.#moments;
  }

  /** @param {Fleet} fleet @param {number} now */
  add(fleet, now) {
    if (this.#moments.length === 0) this.#moments = beforeNow(fleet, now);
    const results = (fleet.models ?? []).reduce((sum, { classified, failed }) => sum + classified + failed, 0);
    const seconds = this.#counted ? (now - this.#counted.at) / 1000 : 0;
    // A web node that restarted counts from zero again.
    const rate = this.#counted && seconds > 0 ? Math.max(0, results - this.#counted.results) / seconds : 0;
    this.#counted = { at: now, results };
    const inState = (/** @type {string} */ wanted) => fleet.instances.filter(({ state }) => state === wanted).length;
    this.#moments.push({
      at: now,
      waiting: fleet.waiting,
      pending: inState("pending"),
      running: inState("running"),
      draining: inState("draining"),
      rate,
    });
    // The last moment before the span says how the span begins.
    while (this.#moments.length > 1 && this.#moments[1].at < now - SPAN) this.#moments.shift();
  }
}

/** @param {Fleet} fleet @param {number} now @returns {Moment[]} */
function beforeNow({ decisions }, now) {
  return [...(decisions ?? [])]
    .reverse()
    .map(({ at, waiting, pending, running, draining }) => {
      return { at: Date.parse(at), waiting, pending, running, draining: draining ?? 0, rate: 0 };
    })
    .filter(({ at }) => at < now);
}
