// The figures above the cards, and announcements for screen readers: from time to time, not for each picture.

/** @typedef {import("./picture.js").Picture} Picture */

const RATE_WINDOW = 10_000;
const ANNOUNCE_INTERVAL = 10_000;

export class Summary {
  #root = byId("summary");
  #title = document.title;
  /** When pictures finished, in the current or the last run. @type {number[]} */
  #finishedAt = [];
  #runStartedAt = 0;
  #announcedAt = 0;
  #working = false;

  /** Counts one more result for the rate. */
  countFinished() {
    this.#finishedAt.push(performance.now());
  }

  /** @param {string} text */
  announce(text) {
    // The large view makes the rest of the page inert, and then a screen reader hears nothing of it.
    byId(document.querySelector("dialog[open]") ? "large-announcer" : "announcer").textContent = text;
    this.#announcedAt = performance.now();
  }

  /**
   * @param {Iterable<Picture>} pictures
   * @returns {{ left: number, rate: number }} pictures without a result; results a second
   */
  show(pictures) {
    const count = { all: 0, classified: 0, failed: 0, unsent: 0 };
    for (const { state } of pictures) {
      count.all++;
      if (state === "classified") count.classified++;
      else if (state === "failed" || state === "rejected") count.failed++;
      else if (state === "unsent") count.unsent++;
    }
    const done = count.classified + count.failed;
    const working = done + count.unsent < count.all;
    const now = performance.now();
    if (working && !this.#working) {
      this.#runStartedAt = this.#announcedAt = now;
      this.#finishedAt = [];
    }

    this.#root.hidden = count.all === 0;
    this.#root.dataset.state = count.all === 0 ? "idle" : working ? "working" : "done";
    this.#figure("chosen", String(count.all));
    this.#figure("classified", String(count.classified));
    this.#figure("failed", String(count.failed));
    const rate = this.#rate(now, working);
    this.#figure("rate", rate === 0 ? "–" : rate.toFixed(rate < 10 ? 1 : 0));
    const progress = /** @type {HTMLProgressElement} */ (byId("progress"));
    progress.max = Math.max(1, count.all);
    progress.value = done;
    document.title = working ? `(${done}/${count.all}) ${this.#title}` : this.#title;

    if (this.#working && !working && count.unsent === 0) {
      const failed = count.failed > 0 ? `, ${count.failed} failed` : "";
      this.announce(`All pictures are done: ${count.classified} classified${failed}.`);
    } else if (working && now - this.#announcedAt > ANNOUNCE_INTERVAL) {
      this.announce(`${done} of ${count.all} pictures are done.`);
    }
    this.#working = working;
    return { left: count.all - done - count.unsent, rate: working ? rate : 0 };
  }

  /** @param {string} text empty: unknown, or nothing is left */
  showTimeLeft(text) {
    const element = byId("time-left");
    if (element.textContent !== text) element.textContent = text;
  }

  /**
   * The rate: over the last seconds during a run, over the whole run after it.
   * @param {number} now @param {boolean} working
   */
  #rate(now, working) {
    const times = this.#finishedAt;
    if (times.length === 0) return 0;
    const end = working ? now : times[times.length - 1];
    const start = working ? Math.max(this.#runStartedAt, now - RATE_WINDOW) : this.#runStartedAt;
    return times.filter((time) => time >= start).length / Math.max(0.2, (end - start) / 1000);
  }

  /** @param {string} name @param {string} text */
  #figure(name, text) {
    const element = this.#root.querySelector(`[data-testid="${name}"]`);
    if (element && element.textContent !== text) element.textContent = text;
  }
}

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
