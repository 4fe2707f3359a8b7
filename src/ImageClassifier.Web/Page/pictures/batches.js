// The batches on the page: follows each until all its pictures have results, and restores those of an earlier life of
// the page.

import { readBatch } from "../service/api.js";
import { followBatch } from "../service/batch-stream.js";
import { Picture } from "./picture.js";

/** @typedef {import("../service/api.js").Job} Job */
/** @typedef {import("../service/session.js").Session} Session */
/** @typedef {import("./picture-list.js").PictureList} PictureList */

export class Batches {
  #pictures;
  #session;
  #onChange;
  /** @type {Map<string, AbortController>} */
  #shown = new Map();
  /** @type {Map<string, Date>} */
  #deadlines = new Map();

  /**
   * @param {PictureList} pictures @param {Session} session
   * @param {(change: { finished: boolean }) => void} onChange finished: a picture got its result
   */
  constructor(pictures, session, onChange) {
    this.#pictures = pictures;
    this.#session = session;
    this.#onChange = onChange;
  }

  /** The newest batch. */
  get newest() {
    return [...this.#shown.keys()].at(-1);
  }

  /** The batches in which pictures wait. */
  get waiting() {
    const ids = [...this.#pictures].map(({ state, batchId }) => (state === "queued" ? batchId : undefined));
    return [...new Set(ids)].filter((id) => id !== undefined);
  }

  /** The earliest deadline of what waits. @returns {Date | undefined} */
  get deadline() {
    return this.waiting.flatMap((id) => this.#deadlines.get(id) ?? []).sort((a, b) => a.getTime() - b.getTime())[0];
  }

  /** Shows the results of a batch as they arrive. @param {string} batchId */
  async follow(batchId) {
    const life = new AbortController();
    this.#shown.set(batchId, life);
    dispatchEvent(new Event("fleet-news"));
    await followBatch(
      batchId,
      {
        job: (job) => {
          const picture = this.#pictures.find(batchId, job.jobId);
          const open = picture && !picture.finished;
          picture?.take(job);
          this.#onChange({ finished: Boolean(open && picture.finished) });
        },
        gone: () => {
          for (const picture of this.#pictures) {
            if (picture.batchId !== batchId || picture.finished) continue;
            picture.enter("failed", "The service no longer has this batch.");
          }
          this.#session.forget(batchId);
          this.#onChange({ finished: false });
        },
      },
      life.signal,
    );
  }

  /** Ends the work for a batch of which no picture is left. @param {string} batchId */
  leave(batchId) {
    this.#shown.get(batchId)?.abort();
    this.#shown.delete(batchId);
  }

  /**
   * Restores the batches of the link or of this tab's session.
   * @param {string[]} batchIds @returns {Promise<boolean>} whether the service answered
   */
  async restore(batchIds) {
    const ids = batchIds.filter((id) => !this.#shown.has(id));
    for (const id of ids) this.#shown.set(id, new AbortController());
    const reads = ids.map((id) => readBatch(id).catch(() => undefined));
    let isComplete = true;
    for (const [index, id] of ids.entries()) {
      const batch = await reads[index];
      if (!batch) this.#shown.delete(id);
      if (batch === undefined) {
        isComplete = false;
      } else if (batch === null) {
        this.#session.forget(id); // The batch was deleted or has expired: no notice is needed.
      } else {
        this.#session.remember(id);
        if (batch.deadline) this.#deadlines.set(id, new Date(batch.deadline));
        this.#show(id, batch.jobs);
      }
    }
    return isComplete;
  }

  /** @param {string} batchId @param {Job[]} jobs */
  #show(batchId, jobs) {
    const ofBatch = jobs
      .filter((job) => !this.#session.isCleared(batchId, job.jobId))
      .map((job) => {
        const { hash, twins, rightLabel } = this.#session.noteOf(batchId, job.jobId);
        const picture = new Picture(job.fileName);
        this.#pictures.add([picture]);
        this.#pictures.assign(picture, batchId, job);
        if (hash) this.#pictures.identify(picture, hash);
        if (rightLabel) picture.mark(rightLabel);
        this.#pictures.addTwins(picture, twins ?? []);
        return picture;
      });
    if (ofBatch.some((picture) => !picture.finished)) this.follow(batchId);
  }
}
