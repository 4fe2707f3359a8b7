// One card per picture, in the order in which the user chose them.

import { imageAddress } from "./api.js";
import { shown } from "./foreign-text.js";
import { release, showFile, showNone, showUrl } from "./thumbnails.js";

/** @typedef {import("./api.js").Job} Job */
/** @typedef {import("./api.js").Model} Model */
/** @typedef {import("./api.js").Prediction} Prediction */
/** @typedef {"waiting" | "uploading" | "unsent" | "queued" | "classified" | "failed" | "rejected"} CardState */

const WORDS = {
  waiting: "Waiting to be sent",
  uploading: "Sending",
  unsent: "Not sent",
  queued: "Queued",
  classified: "Classified",
  failed: "Failed",
  rejected: "Refused",
};

export class Card {
  /** @type {CardState} */
  state = "waiting";
  /** @type {string | undefined} */
  batchId;
  /** @type {string | undefined} */
  jobId;
  /** @type {Prediction[]} */
  predictions = [];
  /** The model that answered. @type {Model | undefined} */
  model;
  reason = "";

  #frame;

  /** @param {string} fileName */
  constructor(fileName) {
    this.fileName = fileName;
    this.element = cloneOf("card-template");
    this.#frame = this.#part(".thumbnail");
    const name = this.#part(".name");
    name.textContent = name.title = shown(fileName);
    this.enter("waiting");
  }

  /** Whether the card has its final state, unless the user acts. */
  get finished() {
    return this.state === "classified" || this.state === "failed" || this.state === "rejected";
  }

  /** @param {File} file */
  previewFile(file) {
    showFile(this.#frame, file);
  }

  previewStored() {
    if (this.batchId && this.jobId) showUrl(this.#frame, imageAddress(this.batchId, this.jobId));
  }

  previewNothing() {
    showNone(this.#frame);
  }

  /** @param {CardState} state @param {string} [reason] why it failed, was refused or could not be sent */
  enter(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.element.dataset.state = state;
    this.#part(".status").textContent = WORDS[state];
    this.#part(".reason").textContent = reason;
    this.#part(".reason").hidden = reason === "";
    this.#part(".sending").hidden = state !== "uploading";
    this.#part(".outcome").hidden = state !== "classified";
  }

  /** @param {number} sent from 0 to 1 */
  showSent(sent) {
    if (this.state !== "uploading") this.enter("uploading");
    /** @type {HTMLProgressElement} */ (this.#part(".sending")).value = sent;
  }

  /**
   * Shows the state of a job. A finished card does not change, except from failed to classified.
   * @param {Job} job
   */
  take(job) {
    if (this.finished && !(this.state === "failed" && job.status === "classified")) return;
    this.jobId = job.jobId;
    this.model = job.model;
    if (job.status === "classified") this.#showPredictions(job.predictions ?? []);
    this.enter(job.status, job.status === "classified" ? "" : job.error ?? "");
  }

  remove() {
    release(this.#frame);
    this.element.remove();
  }

  /** @param {Prediction[]} predictions */
  #showPredictions(predictions) {
    this.predictions = predictions;
    const [best, ...others] = predictions;
    if (!best) return;
    fill(this.#part(".top"), best);
    this.#part(".others").replaceChildren(
      ...others.map((prediction) => {
        const row = document.createElement("li");
        row.className = "bar";
        row.append(span("other-label"), " ", span("other-probability"));
        fill(row, prediction);
        return row;
      }),
    );
  }

  /** @param {string} selector @returns {HTMLElement} */
  #part(selector) {
    return /** @type {HTMLElement} */ (this.element.querySelector(selector));
  }
}

export class CardList {
  /** @type {Set<Card>} */
  #cards = new Set();
  /** @type {Map<string, Card>} */
  #byJob = new Map();
  #list;

  /** @param {Element} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {Card[]} cards */
  add(cards) {
    const fragment = document.createDocumentFragment();
    for (const card of cards) {
      this.#cards.add(card);
      fragment.append(card.element);
    }
    this.#list.append(fragment);
  }

  /** Assigns a job to the card. @param {Card} card @param {string} batchId @param {Job} job */
  assign(card, batchId, job) {
    card.batchId = batchId;
    card.take(job);
    if (job.jobId) this.#byJob.set(`${batchId}/${job.jobId}`, card);
  }

  /** @param {string} batchId @param {string | undefined} jobId */
  find(batchId, jobId) {
    return this.#byJob.get(`${batchId}/${jobId}`);
  }

  /** @param {Card} card */
  remove(card) {
    this.#cards.delete(card);
    this.#byJob.delete(`${card.batchId}/${card.jobId}`);
    card.remove();
  }

  [Symbol.iterator]() {
    return this.#cards.values();
  }
}

/** @param {Element} row @param {Prediction} prediction */
function fill(row, prediction) {
  const [label, probability] = row.children;
  label.textContent = prediction.label;
  probability.textContent = percent(prediction.probability);
  /** @type {HTMLElement} */ (row).style.setProperty("--part", String(prediction.probability));
}

/** @param {number} part from 0 to 1 */
function percent(part) {
  if (part > 0 && part < 0.001) return "< 0.1 %";
  return `${(part * 100).toFixed(part < 0.0995 ? 1 : 0)} %`;
}

/** @param {string} name */
function span(name) {
  const element = document.createElement("span");
  element.className = name;
  return element;
}

/** @param {string} id @returns {HTMLElement} */
function cloneOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}
