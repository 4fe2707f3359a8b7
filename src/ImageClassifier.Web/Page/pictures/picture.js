// One picture: its file, its state and its result. It knows nothing of the document; a card and the large view show it.

/** @typedef {import("../service/api.js").Job} Job */
/** @typedef {import("../service/api.js").Model} Model */
/** @typedef {import("../service/api.js").Prediction} Prediction */
/** @typedef {import("../service/api.js").Timings} Timings */
/** @typedef {"waiting" | "uploading" | "unsent" | "queued" | "classified" | "failed" | "rejected"} PictureState */

/** @type {Record<PictureState, string>} */
export const STATE_WORDS = {
  waiting: "Waiting to be sent",
  uploading: "Sending",
  unsent: "Not sent",
  queued: "Queued",
  classified: "Classified",
  failed: "Failed",
  rejected: "Refused",
};

export class Picture {
  /** @type {PictureState} */
  state = "waiting";
  /** Why it failed, was refused or could not be sent. */
  reason = "";
  /** The sent part: from 0 to 1. */
  sent = 0;
  /** @type {string | undefined} */
  batchId;
  /** @type {string | undefined} */
  jobId;
  /** Best first. @type {Prediction[]} */
  predictions = [];
  /** The model that answered. @type {Model | undefined} */
  model;
  /** The node that answered. @type {string | undefined} */
  instanceId;
  /** @type {Timings | undefined} */
  timings;
  /** Whether the result is that of an earlier upload, so that no node worked for it. */
  cached = false;
  /** The file's SHA-256; empty if it is unknown. */
  hash = "";
  /** The label that the user says is right; empty if the user has said nothing. */
  rightLabel = "";
  /** The key of its copy in this browser, while it is unsent. @type {string | undefined} */
  keptAs;
  /** The picture of the same bytes that is sent in its place. @type {Picture | undefined} */
  original;
  /** The other places of the same bytes. @type {Picture[]} */
  twins = [];
  /** Grows with each change, so that a view knows whether it is up to date. */
  version = 0;

  /** @param {string} fileName @param {File} [file] missing if the picture comes from the service */
  constructor(fileName, file) {
    this.fileName = fileName;
    this.file = file;
  }

  /** Whether the picture has its final state, unless the user acts. */
  get finished() {
    return this.state === "classified" || this.state === "failed" || this.state === "rejected";
  }

  /** @returns {Prediction | undefined} */
  get best() {
    return this.predictions[0];
  }

  /** @param {PictureState} state @param {string} [reason] */
  enter(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.#changed();
  }

  /** @param {number} sent from 0 to 1 */
  showSent(sent) {
    this.sent = sent;
    this.enter("uploading");
  }

  /**
   * Takes the state of its job. A finished picture does not change, except from failed to classified.
   * @param {Job} job
   */
  take(job) {
    if (this.finished && !(this.state === "failed" && job.status === "classified")) return;
    this.jobId = job.jobId;
    this.model = job.model;
    this.instanceId = job.instanceId;
    this.timings = job.timings;
    this.cached = job.cached ?? false;
    if (job.status === "classified") this.predictions = job.predictions ?? [];
    this.enter(job.status, job.status === "classified" ? "" : job.error ?? "");
  }

  /** Forgets the job, because the file is sent again. */
  startAgain() {
    this.batchId = this.jobId = this.model = this.instanceId = this.timings = undefined;
    this.cached = false;
    this.sent = 0;
    this.enter("waiting");
  }

  /** @param {string} label empty: the user takes the mark back */
  mark(label) {
    this.rightLabel = label;
    this.#changed();
  }

  /** Shows this picture's result at another place too. @param {Picture} twin */
  adopt(twin) {
    twin.original = this;
    this.twins.push(twin);
    twin.#copy(this);
  }

  #changed() {
    this.version++;
    for (const twin of this.twins) twin.#copy(this);
  }

  /** @param {Picture} other */
  #copy(other) {
    const { state, reason, sent, batchId, jobId, predictions, model, instanceId, timings, cached, hash, rightLabel } = other;
    Object.assign(this, { state, reason, sent, batchId, jobId, predictions, model, instanceId, timings, cached });
    Object.assign(this, { hash, rightLabel });
    this.version++;
  }
}
