// The card of a picture. The grid has only as many cards as fit on the screen, and gives them other pictures on scrolling.

import { isolated, shown } from "./foreign-text.js";
import { fillRow, newRow } from "./labels.js";
import { STATE_WORDS } from "./picture.js";
import { hideThumbnail, showThumbnail } from "./thumbnails.js";

/** @typedef {import("./picture.js").Picture} Picture */

let cards = 0;

export class Card {
  /** @type {Picture | undefined} */
  picture;
  #version = -1;
  #why = "";
  #element = cloneOf("card-template");
  #button = part(this.#element, ".open");
  #frame = part(this.#element, ".thumbnail");
  #name = part(this.#element, ".name");
  #status = part(this.#element, ".status");
  #sending = /** @type {HTMLProgressElement} */ (part(this.#element, ".sending"));
  #reason = part(this.#element, ".reason");
  #outcome = part(this.#element, ".outcome");
  #top = part(this.#element, ".top");
  #others = part(this.#element, ".others");
  #right = part(this.#element, ".right-label");

  constructor() {
    const number = ++cards;
    [this.#status, this.#reason, this.#top, this.#right].forEach((element, index) => (element.id = `card-${number}-${index}`));
  }

  get element() {
    return this.#element;
  }

  /** The button that opens the large view. It holds the focus of the card. */
  get button() {
    return this.#button;
  }

  /**
   * Shows a picture as it is now.
   * @param {Picture} picture @param {string} whyQueued why queued pictures wait
   */
  show(picture, whyQueued) {
    if (this.picture !== picture) {
      this.picture = picture;
      this.#version = -1;
      const name = shown(picture.fileName);
      part(this.#name, "bdi").textContent = this.#name.title = name;
      showThumbnail(this.#frame, picture);
    }
    const why = picture.state === "queued" ? whyQueued : "";
    if (this.#version === picture.version && this.#why === why) return;
    this.#version = picture.version;
    this.#why = why;
    this.#showState(picture, why);
  }

  /** Ends the work for the card's picture, because the card left the screen. */
  clear() {
    this.picture = undefined;
    hideThumbnail(this.#frame);
    this.#element.remove();
  }

  /** @param {Picture} picture @param {string} why */
  #showState(picture, why) {
    const { state, best, predictions } = picture;
    this.#element.dataset.state = state;
    this.#status.textContent = STATE_WORDS[state];
    const reason = picture.reason || why || twinNote(picture);
    this.#reason.textContent = this.#reason.title = reason;
    this.#reason.hidden = reason === "" || state === "classified";
    this.#sending.hidden = state !== "uploading";
    this.#sending.value = picture.sent;
    this.#outcome.hidden = state !== "classified" || !best;
    if (best && state === "classified") {
      fillRow(this.#top, best);
      const others = predictions.slice(1);
      while (this.#others.children.length > others.length) this.#others.lastElementChild?.remove();
      while (this.#others.children.length < others.length) this.#others.append(newRow());
      others.forEach((prediction, index) => fillRow(this.#others.children[index], prediction));
    }
    this.#right.hidden = picture.rightLabel === "";
    part(this.#right, "bdi").textContent = picture.rightLabel;
    this.#button.setAttribute("aria-label", `Large view of ${shown(picture.fileName)}`);
    // What is hidden can be of an earlier picture.
    const about = [this.#outcome.hidden ? this.#status : this.#top, this.#reason, this.#right].filter(({ hidden }) => !hidden);
    this.#button.setAttribute("aria-describedby", about.map(({ id }) => id).join(" "));
  }
}

/** @param {Picture} picture */
export const twinNote = ({ original }) => (original ? `The same file as ${isolated(original.fileName)}.` : "");

/** @param {string} id @returns {HTMLElement} */
function cloneOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** @param {Element} element @param {string} selector */
const part = (element, selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
