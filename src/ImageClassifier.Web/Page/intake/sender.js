// Brings chosen files to the service: looks at them, keeps them over a reload, uploads them, and sends failed ones again.

import { Picture } from "../pictures/picture.js";
import { readOriginal } from "../service/images.js";
import { KeptFiles } from "./kept-files.js";
import { looks } from "./look.js";
import { STOPPED, Uploader, chunkOf } from "./upload.js";

/** @typedef {import("../pictures/picture-list.js").PictureList} PictureList */
/** @typedef {import("../service/session.js").Session} Session */

/**
 * @typedef {object} SenderEvents
 * @property {() => void} changed a picture changed
 * @property {() => void} finished a picture got its final state
 * @property {(batchId: string) => void} accepted the service has a new batch
 * @property {(reason: string) => void} unsent pictures were given up; `retryUnsent` sends them
 * @property {() => void} retried pictures that were given up are sent again
 * @property {(seconds: number | null) => void} busy when the service wants a retry; null once it is no longer busy
 */

const GROUP_SENT_AGAIN = 100;

export class Sender {
  #pictures;
  #session;
  #formats;
  #events;
  #kept = new KeptFiles();
  /** @type {Uploader<Picture>} */
  #uploader;
  /** The pictures that are left of those that are being looked at together. @type {Set<Picture[]>} */
  #looking = new Set();
  /** Pictures that were given up before they were looked at. @type {Picture[]} */
  #unlooked = [];
  /** Aborts when the user stops sending. */
  #life = new AbortController();

  /**
   * @param {PictureList} pictures @param {Session} session
   * @param {() => string | undefined} formats what the service takes, as far as it is known
   * @param {SenderEvents} events
   */
  constructor(pictures, session, formats, events) {
    this.#pictures = pictures;
    this.#session = session;
    this.#formats = formats;
    this.#events = events;
    this.#uploader = new Uploader(
      {
        formed: (chunk) => this.#kept.assign(picturesOf(chunk), chunk.key, chunk.order),
        progress: (picture, sent) => {
          picture.showSent(sent);
          events.changed();
        },
        accepted: (chunk, batch) => this.#accepted(chunk, batch),
        refused: (chunk, reason, jobs) => {
          chunk.items.forEach(({ tag: picture }, index) => {
            picture.enter("rejected", jobs[index]?.error ?? reason);
            events.finished();
          });
          this.#kept.forget(picturesOf(chunk));
          events.changed();
        },
        unsent: (chunk, reason) => this.#giveUp(picturesOf(chunk), reason),
        busy: events.busy,
      },
      () => session.reserve(),
    );
  }

  /** Whether files are looked at or sent. */
  get busy() {
    return this.#looking.size > 0 || this.#uploader.busy;
  }

  /** Adds chosen files to the pictures, and sends them. @param {File[]} files */
  async add(files) {
    const added = files.map((file) => new Picture(file.name, file));
    this.#pictures.add(added);
    this.#events.changed();
    await this.#lookAndSend(added);
  }

  /** Sends what an earlier life of the page kept, except what the user stopped. @returns {Promise<number>} how many files */
  async restore() {
    const [toSend, toSetAside] = [newRestored(), newRestored()];
    for (const { id, file, hash, twins = [], request, order, stopped = false } of await this.#kept.restore()) {
      const picture = new Picture(file.name, file);
      picture.keptAs = id;
      // The page was closed before its copy was deleted. The batch has the picture already.
      if (this.#session.hasAccepted(request)) {
        this.#kept.forget([picture]);
        continue;
      }
      this.#pictures.add([picture]);
      if (hash && this.#pictures.identify(picture, hash)) {
        if (picture.original) this.note(picture.original);
        this.#kept.forget([picture]);
        continue;
      }
      this.#pictures.addTwins(picture, twins);
      const { requests, loose } = stopped ? toSetAside : toSend;
      if (request === "") {
        loose.push(picture);
        continue;
      }
      const ofRequest = requests.get(request) ?? { order, items: [] };
      ofRequest.items.push({ file, size: file.size, tag: picture });
      requests.set(request, ofRequest);
    }
    // The service may have accepted the request already. By its key it knows the request again.
    const chunks = chunksOf(toSend);
    this.#uploader.resume(chunks);
    this.#lookAndSend(toSend.loose);
    this.#uploader.setAside(chunksOf(toSetAside));
    this.#setAside(toSetAside.loose);
    return toSend.loose.length + chunks.reduce((sum, { items }) => sum + items.length, 0);
  }

  /** Aborts the uploads; `retryUnsent` sends what is left. */
  stop() {
    this.#life.abort();
    this.#life = new AbortController();
    this.#uploader.stop();
    // At once: the user can retry or discard before a large file has been looked at.
    for (const rest of this.#looking) this.#setAside(rest);
    this.#looking.clear();
  }

  /** Sends again what was given up. */
  retryUnsent() {
    const unsent = [...this.#pictures].filter(({ state, original }) => state === "unsent" && !original);
    for (const picture of unsent) picture.enter("waiting");
    this.#kept.setStopped(unsent, false);
    this.#uploader.retry();
    this.#lookAndSend(this.#unlooked.splice(0));
    this.#events.retried();
    this.#events.changed();
  }

  /** Forgets what was given up. @returns {Picture[]} the pictures to remove */
  discardUnsent() {
    const unsent = [...this.#pictures].filter(({ state }) => state === "unsent");
    this.#uploader.discard();
    this.#unlooked = [];
    this.#kept.forget(unsent);
    return unsent;
  }

  /** Sends every failed picture again, as a new job. A picture that nobody has any more stays failed, and says so. */
  async retryFailed() {
    const failed = [...this.#pictures].filter(({ state, original }) => state === "failed" && !original);
    while (failed.length > 0) {
      const group = failed.splice(0, GROUP_SENT_AGAIN);
      for (const picture of group) if (!picture.file) await this.#readBack(picture);
      this.#sendAgain(group);
      this.#events.changed();
    }
  }

  /** Gets the file of a picture from the service. @param {Picture} picture */
  async #readBack(picture) {
    const { fileName, reason } = picture;
    try {
      picture.file = new File([await readOriginal(picture)], fileName);
    } catch (failure) {
      const { message } = /** @type {Error} */ (failure);
      if (!reason.includes(message)) picture.enter("failed", `${reason} ${message}`.trim());
    }
  }

  /** Sends failed pictures as new jobs, if their files are known. @param {Picture[]} pictures */
  #sendAgain(pictures) {
    const toSend = pictures.flatMap((picture) => {
      const { file, state, batchId, jobId } = picture;
      if (!file || state !== "failed") return []; // It got its result meanwhile, or another click sent it.
      this.#pictures.unassign(picture);
      if (batchId && jobId) this.#session.clear(batchId, [jobId]);
      return { file, tag: picture };
    });
    this.#kept.keep(toSend.map(({ tag }) => tag));
    this.#uploader.add(toSend);
  }

  /** Remembers over a reload what the service does not know about a picture. @param {Picture} picture */
  note(picture) {
    const { batchId, jobId, hash, twins, rightLabel } = picture;
    if (!batchId || !jobId) return this.#kept.noteTwins(picture);
    this.#session.note(batchId, jobId, { hash, rightLabel, twins: twins.map(({ fileName }) => fileName) });
  }

  /** Sends the pictures that the service can use and that the page has not sent yet. @param {Picture[]} added */
  async #lookAndSend(added) {
    const rest = [...added];
    this.#looking.add(rest);
    const { signal } = this.#life;
    for await (const group of looks(added, this.#formats)) {
      if (signal.aborted) return;
      rest.splice(0, group.length);
      /** @type {{ file: File, tag: Picture }[]} */
      const toSend = [];
      for (const { picture, look } of group) {
        if (look.refusal) {
          picture.enter("rejected", look.refusal);
          this.#kept.forget([picture]);
          continue;
        }
        picture.file = look.toSend;
        const isTwin = look.hash !== "" && this.#pictures.identify(picture, look.hash);
        if (isTwin && picture.original) this.note(picture.original);
        else toSend.push({ file: look.toSend, tag: picture });
      }
      this.#kept.keep(toSend.map(({ tag }) => tag));
      this.#uploader.add(toSend);
      // Who chooses a file again after its upload was given up wants it sent.
      if (group.some(({ picture }) => picture.original?.state === "unsent")) this.retryUnsent();
      this.#events.changed();
    }
    this.#looking.delete(rest);
    this.#events.changed();
  }

  /** @param {import("./upload.js").Chunk<Picture>} chunk @param {import("../service/api.js").Batch} batch */
  #accepted(chunk, batch) {
    this.#session.remember(batch.batchId, chunk.order, chunk.key);
    picturesOf(chunk).forEach((picture, index) => {
      const job = batch.jobs[index];
      if (!job) return picture.enter("failed", "The service did not report a result. Send the picture again.");
      this.#pictures.assign(picture, batch.batchId, job);
      if (picture.finished) this.#events.finished();
      this.note(picture);
    });
    this.#kept.forget(picturesOf(chunk));
    this.#events.accepted(batch.batchId);
    this.#events.changed();
  }

  /** Gives up pictures that were not looked at before the user stopped. @param {Picture[]} pictures */
  #setAside(pictures) {
    if (pictures.length === 0) return;
    this.#unlooked.push(...pictures);
    this.#kept.keep(pictures);
    this.#giveUp(pictures, STOPPED);
  }

  /** @param {Picture[]} pictures @param {string} reason */
  #giveUp(pictures, reason) {
    for (const picture of pictures) picture.enter("unsent", reason);
    // After a reload the page sends by itself only what the user did not stop.
    this.#kept.setStopped(pictures, reason === STOPPED);
    this.#events.unsent(reason);
    this.#events.changed();
  }
}

/**
 * @typedef {object} Restored what an earlier life of the page kept
 * @property {Map<string, { order: number, items: { file: File, size: number, tag: Picture }[] }>} requests by their keys
 * @property {Picture[]} loose those that were in no request
 */

/** @returns {Restored} */
const newRestored = () => ({ requests: new Map(), loose: [] });

/** @param {Restored} restored */
const chunksOf = ({ requests }) => [...requests].map(([key, { order, items }]) => chunkOf(items, order, key));

/** @param {import("./upload.js").Chunk<Picture>} chunk */
const picturesOf = ({ items }) => items.map(({ tag }) => tag);
