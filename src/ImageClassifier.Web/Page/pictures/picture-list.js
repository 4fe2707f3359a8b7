// All pictures of the page, in the order in which the user chose them.

import { Picture } from "./picture.js";

/** @typedef {import("../service/api.js").Job} Job */

export class PictureList {
  /** @type {Set<Picture>} */
  #all = new Set();
  /** @type {Map<string, Picture>} */
  #byJob = new Map();
  /** The picture that is sent for these bytes. @type {Map<string, Picture>} */
  #byHash = new Map();

  get size() {
    return this.#all.size;
  }

  /** @param {Iterable<Picture>} pictures */
  add(pictures) {
    for (const picture of pictures) this.#all.add(picture);
  }

  /** Adds the other places of a picture's bytes. @param {Picture} picture @param {string[]} names */
  addTwins(picture, names) {
    for (const name of names) {
      const twin = new Picture(name, picture.file);
      this.add([twin]);
      picture.adopt(twin);
    }
  }

  /** Assigns a job to a picture. @param {Picture} picture @param {string} batchId @param {Job} job */
  assign(picture, batchId, job) {
    picture.batchId = batchId;
    picture.take(job);
    if (job.jobId) this.#byJob.set(`${batchId}/${job.jobId}`, picture);
  }

  /** Separates a picture from its job, because it is sent again. @param {Picture} picture */
  unassign(picture) {
    this.#byJob.delete(`${picture.batchId}/${picture.jobId}`);
    picture.startAgain();
  }

  /** @param {string} batchId @param {string | undefined} jobId */
  find(batchId, jobId) {
    return this.#byJob.get(`${batchId}/${jobId}`);
  }

  /**
   * Gives a picture its hash. If the page already has these bytes, the picture becomes a twin, which is not sent. Who
   * chooses a file again after it failed wants it sent again.
   * @param {Picture} picture @param {string} hash @returns {boolean} whether it became a twin
   */
  identify(picture, hash) {
    picture.hash = hash;
    const known = this.#byHash.get(hash);
    if (known && known !== picture && this.#all.has(known) && known.state !== "rejected" && known.state !== "failed") {
      known.adopt(picture);
      return true;
    }
    this.#byHash.set(hash, picture);
    return false;
  }

  /** @param {Picture} picture */
  remove(picture) {
    this.#all.delete(picture);
    if (this.#byHash.get(picture.hash) === picture) this.#byHash.delete(picture.hash);
    if (!picture.original) this.#byJob.delete(`${picture.batchId}/${picture.jobId}`);
  }

  [Symbol.iterator]() {
    return this.#all.values();
  }
}
