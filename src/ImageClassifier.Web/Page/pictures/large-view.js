// One picture large, with all that is known about it. Arrow keys go on, Escape goes back.

import { originalOf } from "../service/images.js";
import { modelName } from "./answered-by.js";
import { twinNote } from "./card.js";
import { isolated, shown } from "./foreign-text.js";
import { fillRow, firstName, newRow } from "./labels.js";
import { STATE_WORDS } from "./picture.js";

/** @typedef {import("./picture.js").Picture} Picture */

/**
 * @typedef {object} LargeViewEvents
 * @property {() => Picture[]} pictures in the order of the grid
 * @property {(picture: Picture, label: string) => void} marked the user says which label is right; empty: takes it back
 * @property {(picture: Picture | undefined) => void} closed with the picture shown last, or the next one if that left the filter
 */

export class LargeView {
  #events;
  #dialog = /** @type {HTMLDialogElement} */ (byId("large-view"));
  #image = /** @type {HTMLImageElement} */ (byId("large-image"));
  #lack = byId("large-lack");
  #right = /** @type {HTMLInputElement} */ (byId("right-label"));
  /** @type {Picture | undefined} */
  #picture;
  /** Where the picture is or was among the others: it can leave the filter. */
  #index = 0;
  #version = -1;
  #url = "";

  /** @param {LargeViewEvents} events */
  constructor(events) {
    this.#events = events;
    byId("large-previous").addEventListener("click", () => this.#step(-1));
    byId("large-next").addEventListener("click", () => this.#step(1));
    byId("large-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.target === this.#right || event.altKey || event.ctrlKey || event.metaKey) return;
      const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
      const step = steps[/** @type {keyof typeof steps} */ (event.key)];
      if (step === undefined) return;
      event.preventDefault();
      this.#step(step);
    });
    this.#dialog.addEventListener("close", () => {
      const pictures = this.#events.pictures();
      const picture = this.#picture && pictures.includes(this.#picture) ? this.#picture : pictures[this.#near(0)];
      this.#picture = undefined;
      this.#release();
      this.#events.closed(picture);
    });
    this.#image.addEventListener("error", () => {
      this.#image.hidden = true;
      this.#lack.textContent = "No preview";
    });
    byId("right-label-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (!this.#picture) return;
      this.#events.marked(this.#picture, this.#right.value.trim());
      this.#right.blur();
      this.#dialog.focus();
    });
  }

  /** @param {Picture} picture */
  open(picture) {
    this.#picture = picture;
    this.#dialog.showModal();
    this.#showPicture(picture);
    this.#dialog.focus();
  }

  /** Shows what has changed about the picture. */
  refresh() {
    if (!this.#picture) return;
    this.#showPlace(this.#picture);
    if (this.#version !== this.#picture.version) this.#showFacts(this.#picture);
  }

  /** @param {number} by */
  #step(by) {
    const pictures = this.#events.pictures();
    // The next one has the place of a picture that left the filter.
    const isGone = this.#picture && !pictures.includes(this.#picture);
    const next = pictures[this.#near(isGone && by > 0 ? by - 1 : by)];
    if (next && next !== this.#picture) this.#showPicture(next);
  }

  /** The nearest index so many steps from here. @param {number} by */
  #near(by) {
    return Math.max(0, Math.min(this.#events.pictures().length - 1, this.#index + by));
  }

  /** @param {Picture} picture */
  #showPicture(picture) {
    this.#picture = picture;
    this.#showImage(picture);
    this.#image.alt = shown(picture.fileName);
    this.#right.value = picture.rightLabel;
    this.#showFacts(picture);
    this.#showPlace(picture);
  }

  /** @param {Picture} picture */
  async #showImage(picture) {
    this.#release();
    this.#image.hidden = true;
    this.#lack.textContent = "";
    if (picture.file) this.#url = URL.createObjectURL(picture.file);
    const { address, lack } = picture.file ? { address: this.#url, lack: "" } : await originalOf(picture);
    if (this.#picture !== picture) return; // The user went on meanwhile.
    this.#lack.textContent = lack;
    this.#image.hidden = address === "";
    if (address) this.#image.src = address;
  }

  #release() {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
    this.#image.removeAttribute("src");
  }

  /** @param {Picture} picture */
  #showPlace(picture) {
    const pictures = this.#events.pictures();
    const here = pictures.indexOf(picture);
    if (here >= 0) this.#index = here;
    const place = `${(here + 1).toLocaleString("en")} of ${pictures.length.toLocaleString("en")}`;
    setText(byId("large-place"), here < 0 ? "" : place);
    // A disabled button would lose the focus, and with it the arrow keys.
    byId("large-previous").setAttribute("aria-disabled", String(this.#index === 0));
    const next = here < 0 ? this.#index : here + 1;
    byId("large-next").setAttribute("aria-disabled", String(next >= pictures.length));
  }

  /** @param {Picture} picture */
  #showFacts(picture) {
    this.#version = picture.version;
    const { state, predictions, model, timings, instanceId, cached, hash, rightLabel } = picture;
    const about = [
      `${STATE_WORDS[state]}.`,
      picture.reason,
      cached && "Answered from an earlier upload.",
      twinNote(picture),
      rightLabel && `Marked as ${isolated(rightLabel)}.`,
    ];
    byId("large-name").textContent = shown(picture.fileName);
    byId("large-state").textContent = about.filter(Boolean).join(" ");
    byId("large-predictions").replaceChildren(
      ...predictions.map((prediction) => {
        const row = newRow();
        fillRow(row, prediction, true);
        return row;
      }),
    );
    byId("large-facts").replaceChildren(
      ...fact("Model", model && modelName(model)),
      ...fact("Time", timings && timesOf(timings)),
      ...fact("Node", cached ? undefined : instanceId),
      ...fact("Job", picture.jobId),
      ...fact("SHA-256", hash),
    );
    byId("right-label-form").hidden = state !== "classified";
    byId("known-labels").replaceChildren(
      ...predictions.slice(1).map(({ label }) => new Option("", firstName(label))),
    );
  }
}

/** @param {import("../service/api.js").Timings} timings */
function timesOf({ fetchMs, decodeMs, classifyMs, totalMs }) {
  const ms = (/** @type {number} */ time) => `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;
  return `${ms(totalMs)}: fetched in ${ms(fetchMs)}, decoded in ${ms(decodeMs)}, classified in ${ms(classifyMs)}`;
}

/** @param {string} term @param {string | HTMLElement | undefined} value @returns {HTMLElement[]} */
function fact(term, value) {
  if (!value) return [];
  const name = document.createElement("dt");
  name.textContent = term;
  const text = document.createElement("dd");
  text.append(value);
  return [name, text];
}

/** @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
