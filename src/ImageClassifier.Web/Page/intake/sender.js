// Brings chosen files to the service: looks at them, keeps them over a reload, uploads them, and sends failed ones again.

import { Picture } from "../pictures/picture.js";
import { readOriginal } from "../service/images.js";
import { KeptFiles } from "./kept-files.js";
import { looks } from "./look.js";
import { Uploader, chunkOf } from "./upload.js";

/** @typedef {import("../pictures/picture-list.js").PictureList} PictureList */
/** @typedef {import("../service/session.js").Session} Session */

/**
 * @typedef {object} SenderEvents
 * @property {() => void} changed a picture changed
 * @property {() => void} finished a picture got its final state
 * @property {(batchId: string) => void} accepted the service has a new batch
 * @property {(reason: string) => void} unsent pictures were given up; `retryUnsent` sends them
 * @property {(seconds: number | null) => void} busy when the service wants a retry; null once it is no longer busy
 */

export class Sender {
  #pictures;
  #session;
  #formats;
  #events;
  #kept = new KeptFiles();
  /** @type {Uploader<Picture>} */
  #uploader;
  /** How many times files are being looked at. */
  #looking = 0;
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
          this.#forget(picturesOf(chunk));
          events.changed();
        },
        unsent: (chunk, reason) => {
          for (const picture of picturesOf(chunk)) picture.enter("unsent", reason);
          events.unsent(reason);
          events.changed();
        },
        busy: events.busy,
      },
      () => session.reserve(),
    );
  }

  /** Whether files are looked at or sent. */
  get busy() {
    return this.#looking > 0 || this.#uploader.busy;
  }

  /** Adds chosen files to the pictures, and sends them. @param {File[]} files */
  async add(files) {
    const added = files.map((file) => new Picture(file.name, file));
    this.#pictures.add(added);
    this.#events.changed();
    await this.#lookAndSend(added);
  }

  /** Sends what an earlier life of the page kept. @returns {Promise<number>} how many files */
  async restore() {
    const files = await this.#kept.restore();
    /** @type {Map<string, { order: number, items: { file: File, size: number, tag: Picture }[] }>} */
    const requests = new Map();
    /** The files that were in no request. @type {Picture[]} */
    const loose = [];
    for (const { id, file, hash, request, order } of files) {
      const picture = new Picture(file.name, file);
      picture.keptAs = id;
      picture.hash = hash;
      this.#pictures.add([picture]);
      if (request === "") {
        loose.push(picture);
        continue;
      }
      if (hash) this.#pictures.identify(picture, hash);
      const ofRequest = requests.get(request) ?? { order, items: [] };
      ofRequest.items.push({ file, size: file.size, tag: picture });
      requests.set(request, ofRequest);
    }
    // The service may have accepted the request already. By its key it knows the request again.
    this.#uploader.resume([...requests].map(([key, { order, items }]) => chunkOf(items, order, key)));
    this.#lookAndSend(loose);
    return files.length;
  }

  /** Aborts the uploads; `retryUnsent` sends what is left. */
  stop() {
    this.#life.abort();
    this.#life = new AbortController();
    this.#uploader.stop();
  }

  /** Sends again what was given up. */
  retryUnsent() {
    for (const picture of this.#pictures) if (picture.state === "unsent" && !picture.original) picture.enter("waiting");
    this.#uploader.retry();
    this.#events.changed();
  }

  /** Forgets what was given up. @returns {Picture[]} the pictures to remove */
  discardUnsent() {
    const unsent = [...this.#pictures].filter(({ state }) => state === "unsent");
    this.#uploader.discard();
    this.#kept.forget(unsent);
    return unsent;
  }

  /** Sends every failed picture again, as a new job. A picture that nobody has any more stays failed, and says so. */
  async retryFailed() {
    const failed = [...this.#pictures].filter(({ state, original }) => state === "failed" && !original);
    for (const picture of failed) {
      const { batchId, jobId, fileName, reason } = picture;
      try {
        picture.file ??= new File([await readOriginal(picture)], fileName);
      } catch (failure) {
        const { message } = /** @type {Error} */ (failure);
        if (!reason.includes(message)) picture.enter("failed", `${reason} ${message}`.trim());
        continue;
      }
      if (picture.state !== "failed") continue; // It got its result meanwhile, or another click sent it.
      this.#pictures.unassign(picture);
      this.#kept.keep([picture]);
      if (batchId && jobId) this.#session.clear(batchId, [jobId]);
      this.#uploader.add([{ file: picture.file, tag: picture }]);
      this.#events.changed();
    }
    this.#events.changed();
  }

  /** Remembers over a reload what the service does not know about a picture. @param {Picture} picture */
  note({ batchId, jobId, hash, twins, rightLabel }) {
    if (!batchId || !jobId) return;
    this.#session.note(batchId, jobId, { hash, rightLabel, twins: twins.map(({ fileName }) => fileName) });
  }

  /** Sends the pictures that the service can use and that the page has not sent yet. @param {Picture[]} added */
  async #lookAndSend(added) {
    this.#looking++;
    const { signal } = this.#life;
    for await (const group of looks(added, this.#formats)) {
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
      // The twin of a picture that the service has needs no copy here.
      const unsent = group.map(({ picture }) => picture).filter(({ finished, batchId }) => !finished && !batchId);
      this.#kept.keep(unsent);
      this.#uploader.add(toSend);
      if (signal.aborted) this.#uploader.stop();
      this.#events.changed();
    }
    this.#looking--;
    this.#events.changed();
  }

  /** @param {import("./upload.js").Chunk<Picture>} chunk @param {import("../service/api.js").Batch} batch */
  #accepted(chunk, batch) {
    this.#session.remember(batch.batchId, chunk.order);
    picturesOf(chunk).forEach((picture, index) => {
      const job = batch.jobs[index];
      if (!job) return picture.enter("failed", "The service did not report a result. Send the picture again.");
      this.#pictures.assign(picture, batch.batchId, job);
      if (picture.finished) this.#events.finished();
      this.note(picture);
    });
    this.#forget(picturesOf(chunk));
    this.#events.accepted(batch.batchId);
    this.#events.changed();
  }

  /** @param {Picture[]} sent */
  #forget(sent) {
    this.#kept.forget(sent.flatMap((picture) => [picture, ...picture.twins]));
  }
}

/** @param {import("./upload.js").Chunk<Picture>} chunk */
const picturesOf = ({ items }) => items.map(({ tag }) => tag);
