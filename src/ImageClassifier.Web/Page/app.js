// Connects the parts of the page: intake/ brings chosen files to the service, service/ talks to it, pictures/ shows the
// pictures and their results, results/ exports them, and fleet/ shows the fleet.

import { showFleet } from "./fleet/fleet.js";
import { sampleFiles } from "./intake/samples.js";
import { Sender } from "./intake/sender.js";
import { takeIn } from "./intake/take-in.js";
import { AnsweredBy } from "./pictures/answered-by.js";
import { Batches } from "./pictures/batches.js";
import { cancelBatches } from "./pictures/cancel.js";
import { Finder } from "./pictures/finder.js";
import { isolated } from "./pictures/foreign-text.js";
import { Grid } from "./pictures/grid.js";
import { counted } from "./pictures/labels.js";
import { LargeView } from "./pictures/large-view.js";
import { PictureList } from "./pictures/picture-list.js";
import { Summary } from "./pictures/summary.js";
import { forgetThumbnail } from "./pictures/thumbnails.js";
import { timeLeft, untilWhen, whyQueued } from "./pictures/waiting-reason.js";
import { CodeLines } from "./results/code-lines.js";
import { download, downloadCsv, downloadJsonLines } from "./results/export.js";
import { trainingFolders } from "./results/training-folders.js";
import { askWith, currentKey } from "./service/key.js";
import { askForKey } from "./service/key-prompt.js";
import { Session, linkTo, linkedIds, unlink } from "./service/session.js";
import { openIfWide } from "./wide.js";

/** @typedef {import("./pictures/picture.js").Picture} Picture */
/** @typedef {import("./service/api.js").Fleet} Fleet */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (document.getElementById(id));

const NAMES_IN_NOTICE = 3;

const session = new Session();
const summary = new Summary();
const answeredBy = new AnsweredBy();
const codeLines = new CodeLines((text) => summary.announce(text));
const pictures = new PictureList();
const finder = new Finder(render);
const largeView = new LargeView({
  pictures: () => shown,
  marked: mark,
  closed: (picture) => grid.focus(picture),
});
const grid = new Grid(byId("cards"), (picture) => largeView.open(picture));
const batches = new Batches(pictures, session, ({ finished }) => {
  if (finished) summary.countFinished();
  render();
});
/** The pictures that the filters leave, in the order of the grid. @type {Picture[]} */
let shown = [];
/** Null until the service has shown it. @type {Fleet | null} */
let fleet = null;

const sender = new Sender(pictures, session, () => fleet?.formats, {
  changed: render,
  finished: () => summary.countFinished(),
  accepted: (batchId) => batches.follow(batchId),
  retried: hideNotice,
  unsent: (reason) => showNotice(`Some pictures could not be sent. ${reason}`, true),
  busy: (seconds) => {
    if (seconds === null) return hideNotice();
    showNotice(`The service is busy. Sending continues in ${seconds} s.`, false);
  },
});

/** @param {File[]} files */
async function addFiles(files) {
  byId("cancelled").textContent = "";
  await restored; // Pictures from before the reload stay in front.
  summary.announce(files.length === 1 ? "1 picture added." : `${files.length} pictures added.`);
  await sender.add(files);
}

/** @param {Picture} picture @param {string} label */
function mark(picture, label) {
  const sent = picture.original ?? picture;
  sent.mark(label);
  sender.note(sent);
  summary.announce(label ? `Marked as ${isolated(label)}.` : "The mark was taken back.");
  render();
}

async function restoreUnsent() {
  const count = await sender.restore();
  if (count > 0) summary.announce(`${counted(count, "unsent picture")} ${count === 1 ? "is" : "are"} sent now.`);
  render();
}

/** @param {string[]} batchIds */
async function restore(batchIds) {
  if (!(await batches.restore(batchIds))) {
    showNotice("The service cannot be reached, so earlier pictures are not shown. Reload to try again.", false);
  }
  render();
}

function clearFinished() {
  /** @type {Map<string, string[]>} */
  const cleared = new Map();
  const staying = new Set();
  for (const picture of [...pictures]) {
    const { batchId, jobId } = picture;
    if (!picture.finished) {
      staying.add(batchId);
      continue;
    }
    if (batchId) cleared.set(batchId, [...(cleared.get(batchId) ?? []), jobId ?? ""]);
    removePicture(picture);
  }
  for (const [batchId, jobIds] of cleared) {
    if (staying.has(batchId)) {
      session.clear(batchId, jobIds);
    } else {
      session.forget(batchId);
      batches.leave(batchId);
    }
  }
  unlink();
  summary.announce("Finished pictures were cleared.");
  render();
  byId("files").focus(); // The button is disabled or hidden now, so it cannot keep the focus.
}

/** @param {Picture} picture */
function removePicture(picture) {
  pictures.remove(picture);
  forgetThumbnail(picture);
}

/** Removes the pictures that could not be sent. */
function discardUnsent() {
  sender.discardUnsent().forEach(removePicture);
  byId("notice").hidden = true;
  summary.announce("Pictures that were not sent were removed.");
  byId("files").focus(); // The button is hidden now, so it cannot keep the focus.
  render();
}

let cancelling = false;

/** Cancels what waits at the service, and stops what is not sent yet. */
async function cancelWhatWaits() {
  sender.stop();
  if (!byId("key-form").hidden) byId("key").focus(); // The cancel goes on with the key.
  if (cancelling) return;
  cancelling = true;
  const { words, problem } = await cancelBatches(batches.waiting);
  cancelling = false;
  byId("cancelled").textContent = words;
  hideNotice();
  if (problem) showNotice(problem, unsentPicture() !== undefined);
  // The button gets hidden, so it cannot keep the focus.
  else if (document.activeElement === button("cancel") || document.activeElement === document.body) byId("files").focus();
  render();
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

async function downloadCorrections() {
  // The same bytes are exported once, whichever of their places are shown.
  const marked = new Set(shown.filter(isMarked).map((picture) => picture.original ?? picture));
  try {
    const { archive, missing } = await trainingFolders(marked);
    if (missing.length < marked.size) download(archive, "corrections.zip");
    if (missing.length > 0) showNotice(`Nobody has a copy of these pictures any more: ${namesOf(missing)}.`, false);
  } catch (failure) {
    showNotice(/** @type {Error} */ (failure).message, false);
  }
}

/** @param {Picture} picture */
const isMarked = ({ rightLabel }) => rightLabel !== "";

/** @param {Picture[]} some */
function namesOf(some) {
  const names = some.slice(0, NAMES_IN_NOTICE).map(({ fileName }) => isolated(fileName)).join(", ");
  return some.length > NAMES_IN_NOTICE ? `${names} and ${some.length - NAMES_IN_NOTICE} more` : names;
}

async function addSamples() {
  try {
    await addFiles(await sampleFiles());
  } catch {
    showNotice("The sample pictures cannot be loaded. Try again.", false);
  }
}

/** @param {string} text @param {boolean} canRetry */
function showNotice(text, canRetry) {
  const notice = byId("notice");
  const sentence = /** @type {HTMLElement} */ (notice.querySelector(".notice-text"));
  sentence.textContent = text;
  button("retry").hidden = button("discard").hidden = !canRetry;
  notice.hidden = false;
}

const unsentPicture = () => [...pictures].find(({ state }) => state === "unsent");

function hideNotice() {
  const unsent = unsentPicture();
  if (unsent) showNotice(`Some pictures could not be sent. ${unsent.reason}`, true);
  else byId("notice").hidden = true;
}

let rendering = false;

/** Schedules an update of the page; many changes share one update. */
function render() {
  if (rendering) return;
  rendering = true;
  setTimeout(() => {
    rendering = false;
    update();
  }, 50); // A hidden page gets no animation frames, but its title must still show the progress.
}

function update() {
  const all = [...pictures];
  const now = Date.now();
  const { left, rate } = summary.show(all);
  summary.showTimeLeft([timeLeft(left, rate, fleet, now), untilWhen(batches.deadline, now)].filter(Boolean).join(". "));
  answeredBy.show(all);
  shown = finder.show(all, working());
  grid.show(shown, whyQueued(fleet, now));
  largeView.refresh();
  codeLines.show(batches.newest, currentKey() !== null);
  document.body.classList.toggle("empty", all.length === 0);
  const hasFinished = all.some((picture) => picture.finished);
  const failed = all.filter(({ state }) => state === "failed").length;
  button("clear").disabled = !hasFinished;
  button("download").disabled = button("download-lines").disabled = !shown.some((picture) => picture.finished);
  button("copy-link").disabled = session.ids().length === 0;
  button("retry-failed").hidden = failed === 0;
  button("retry-failed").textContent = failed === 1 ? "Try the failed one again" : `Try ${failed} failed again`;
  button("stop").hidden = !sender.busy;
  button("cancel").hidden = !all.some(({ state }) => state === "queued");
  button("corrections").hidden = !all.some(isMarked);
  button("corrections").disabled = !shown.some(isMarked);
  // The downloads have what the filters leave.
  const part = shown.length === all.length ? "" : ` (${shown.length.toLocaleString("en")})`;
  button("download").textContent = `Download CSV${part}`;
  button("download-lines").textContent = `Download JSON Lines${part}`;
}

const working = () => byId("summary").dataset.state === "working";

button("retry").addEventListener("click", () => {
  byId("cancelled").textContent = "";
  byId("files").focus();
  sender.retryUnsent();
});
button("discard").addEventListener("click", discardUnsent);
button("retry-failed").addEventListener("click", () => {
  summary.announce("Failed pictures are sent again.");
  byId("cancelled").textContent = "";
  byId("files").focus(); // The button gets hidden, so it cannot keep the focus.
  sender.retryFailed();
});
button("stop").addEventListener("click", () => {
  sender.stop();
  byId("files").focus(); // The button gets hidden, so it cannot keep the focus.
});
button("cancel").addEventListener("click", cancelWhatWaits);
button("clear").addEventListener("click", clearFinished);
button("copy-link").addEventListener("click", copyLink);
button("download").addEventListener("click", () => downloadCsv(shown));
button("download-lines").addEventListener("click", () => downloadJsonLines(shown));
button("corrections").addEventListener("click", downloadCorrections);
button("samples").addEventListener("click", addSamples);
addEventListener("hashchange", () => restore(linkedIds()));
addEventListener("beforeunload", (event) => (sender.busy || unsentPicture()) && event.preventDefault());
setInterval(() => working() && render(), 1_000); // Without results, the rate falls.

openIfWide(byId("fleet-details"));
openIfWide(byId("find-more"));
askWith(askForKey);
render();
const restored = restore([...new Set([...session.ids(), ...linkedIds()])]).then(restoreUnsent);
takeIn(/** @type {HTMLInputElement} */ (byId("files")), addFiles);
showFleet(working, (seen) => {
  fleet = seen;
  answeredBy.learn(seen.models ?? []);
  render();
});
