// Connects the parts of the page: chosen pictures are uploaded in batches, and results appear on their cards.

import { AnsweredBy } from "./answered-by.js";
import { readBatch } from "./api.js";
import { followBatch } from "./batch-stream.js";
import { Card, CardList } from "./cards.js";
import { download, toCsv } from "./csv.js";
import { showFleet } from "./fleet.js";
import { isRefusedByName, takeIn, whatToSend } from "./intake.js";
import { askWith } from "./key.js";
import { askForKey } from "./key-prompt.js";
import { Session, linkTo, linkedIds, unlink } from "./session.js";
import { Summary } from "./summary.js";
import { Uploader } from "./upload.js";

/** @typedef {import("./api.js").Job} Job */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (document.getElementById(id));

const session = new Session();
const summary = new Summary();
const answeredBy = new AnsweredBy();
const cards = new CardList(byId("cards"));
/** The batches on the page. @type {Map<string, AbortController>} */
const shown = new Map();

/** @type {Uploader<Card>} */
const uploader = new Uploader(
  {
    progress: (card, sent) => card.showSent(sent),
    accepted: (chunk, batch) => {
      session.remember(batch.batchId, chunk.order);
      chunk.items.forEach(({ tag: card }, index) => {
        const job = batch.jobs[index];
        if (job) settle(card, () => cards.assign(card, batch.batchId, job));
        else card.enter("failed", "The service did not report a result. Send the picture again.");
      });
      follow(batch.batchId);
      render();
    },
    refused: (chunk, reason, jobs) => {
      chunk.items.forEach(({ tag: card }, index) => {
        settle(card, () => card.enter("rejected", jobs[index]?.error ?? reason));
      });
      render();
    },
    unsent: (chunk, reason) => {
      for (const { tag: card } of chunk.items) card.enter("unsent", reason);
      showNotice(`Some pictures could not be sent. ${reason}`, true);
      render();
    },
    busy: (seconds) => {
      if (seconds === null) return hideNotice();
      showNotice(`The service is busy. Sending continues in ${seconds} s.`, false);
    },
  },
  () => session.reserve(),
);

/** @param {File[]} files */
async function addFiles(files) {
  await restored; // Pictures from before the reload stay in front.
  const items = files.map((file) => ({ file: whatToSend(file), tag: new Card(file.name) }));
  cards.add(items.map(({ tag }) => tag));
  for (const { file, tag } of items) {
    if (isRefusedByName(file)) tag.previewNothing();
    else tag.previewFile(file);
  }
  summary.announce(files.length === 1 ? "1 picture added." : `${files.length} pictures added.`);
  uploader.add(items);
  render();
}

/** Changes a card, and counts it if the change finishes it. @param {Card} card @param {() => void} change */
function settle(card, change) {
  const before = card.finished;
  change();
  if (!before && card.finished) summary.countFinished();
}

/** Shows the results of a batch as they arrive. @param {string} batchId */
async function follow(batchId) {
  const life = new AbortController();
  shown.set(batchId, life);
  dispatchEvent(new Event("fleet-news"));
  await followBatch(
    batchId,
    {
      job: (job) => {
        const card = cards.find(batchId, job.jobId);
        if (card) settle(card, () => card.take(job));
        render();
      },
      gone: () => {
        for (const card of cards) {
          if (card.batchId === batchId && !card.finished) card.enter("failed", "The service no longer has this batch.");
        }
        session.forget(batchId);
        render();
      },
    },
    life.signal,
  );
}

/** Restores the batches of the link or of this tab's session. @param {string[]} batchIds */
async function restore(batchIds) {
  const ids = batchIds.filter((id) => !shown.has(id));
  for (const id of ids) shown.set(id, new AbortController());
  const reads = ids.map((id) => readBatch(id).catch(() => undefined));
  for (const [index, id] of ids.entries()) {
    const batch = await reads[index];
    if (!batch) shown.delete(id);
    if (batch === undefined) {
      showNotice("The service cannot be reached, so earlier pictures are not shown. Reload to try again.", false);
    } else if (batch === null) {
      session.forget(id); // The batch was deleted or has expired: no notice is needed.
    } else {
      session.remember(id);
      showBatch(id, batch.jobs);
    }
  }
  render();
}

/** @param {string} batchId @param {Job[]} jobs */
function showBatch(batchId, jobs) {
  const ofBatch = jobs
    .filter((job) => !session.isCleared(batchId, job.jobId))
    .map((job) => {
      const card = new Card(job.fileName);
      cards.assign(card, batchId, job);
      if (job.status === "rejected") card.previewNothing();
      else card.previewStored();
      return card;
    });
  cards.add(ofBatch);
  if (ofBatch.some((card) => !card.finished)) follow(batchId);
}

function clearFinished() {
  /** @type {Map<string, string[]>} */
  const cleared = new Map();
  const staying = new Set();
  for (const card of [...cards]) {
    if (!card.finished) {
      staying.add(card.batchId);
      continue;
    }
    if (card.batchId) cleared.set(card.batchId, [...(cleared.get(card.batchId) ?? []), card.jobId ?? ""]);
    cards.remove(card);
  }
  for (const [batchId, jobIds] of cleared) {
    if (staying.has(batchId)) {
      session.clear(batchId, jobIds);
    } else {
      session.forget(batchId);
      shown.get(batchId)?.abort();
      shown.delete(batchId);
    }
  }
  unlink();
  summary.announce("Finished pictures were cleared.");
  render();
  byId("files").focus(); // The button is disabled or hidden now, so it cannot keep the focus.
}

async function copyLink() {
  const link = linkTo(session.ids());
  try {
    await navigator.clipboard.writeText(link);
    say("Copied");
  } catch {
    // A page served over plain HTTP has no clipboard, so the link goes to the address bar.
    location.hash = new URL(link).hash;
    say("In the address bar");
  }
}

/** Shows on the button that the copy succeeded. @param {string} text */
function say(text) {
  const copy = button("copy-link");
  copy.textContent = text;
  summary.announce(`Link: ${text.toLowerCase()}.`);
  setTimeout(() => (copy.textContent = "Copy link"), 2_000);
}

function downloadResults() {
  const rows = [...cards].map((card) => ({
    fileName: card.fileName,
    label: card.predictions[0]?.label ?? "",
    probability: card.predictions[0]?.probability ?? null,
    status: card.state,
    error: card.reason,
  }));
  download(toCsv(rows), "classified.csv");
}

/** @param {string} text @param {boolean} canRetry */
function showNotice(text, canRetry) {
  const notice = byId("notice");
  const sentence = /** @type {HTMLElement} */ (notice.querySelector(".notice-text"));
  sentence.textContent = text;
  button("retry").hidden = !canRetry;
  notice.hidden = false;
}

function hideNotice() {
  const unsent = [...cards].find((card) => card.state === "unsent");
  if (unsent) showNotice(`Some pictures could not be sent. ${unsent.reason}`, true);
  else byId("notice").hidden = true;
}

let rendering = false;

/** Schedules an update of the figures; many changes share one update. */
function render() {
  if (rendering) return;
  rendering = true;
  setTimeout(() => {
    rendering = false;
    const all = [...cards];
    summary.show(all);
    answeredBy.show(all);
    document.body.classList.toggle("empty", all.length === 0);
    button("clear").disabled = !all.some((card) => card.finished);
    button("download").disabled = !all.some((card) => card.finished);
    button("copy-link").disabled = session.ids().length === 0;
  }, 50); // A hidden page gets no animation frames, but its title must still show the progress.
}

const working = () => byId("summary").dataset.state === "working";

button("retry").addEventListener("click", () => {
  for (const card of cards) if (card.state === "unsent") card.enter("waiting");
  byId("notice").hidden = true;
  byId("files").focus();
  uploader.retry();
  render();
});
button("clear").addEventListener("click", clearFinished);
button("copy-link").addEventListener("click", copyLink);
button("download").addEventListener("click", downloadResults);
addEventListener("hashchange", () => restore(linkedIds()));
addEventListener("beforeunload", (event) => uploader.busy && event.preventDefault());
setInterval(() => working() && render(), 1_000); // Without results, the rate falls.

askWith(askForKey);
render();
const restored = restore([...new Set([...session.ids(), ...linkedIds()])]);
takeIn(/** @type {HTMLInputElement} */ (byId("files")), addFiles);
showFleet(working, (fleet) => answeredBy.learn(fleet.models ?? []));
