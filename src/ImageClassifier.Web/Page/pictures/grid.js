// Shows thousands of pictures with the few cards that are on the screen. Arrow keys go from card to card, so that the whole
// grid is one stop of the tab key.

import { Card } from "./card.js";

/** @typedef {import("./picture.js").Picture} Picture */

const SPARE_ROWS = 2;
const GAP = 16;
const NARROWEST = 232;

export class Grid {
  #list;
  #open;
  /** @type {Picture[]} */
  #pictures = [];
  /** @type {Map<Picture, Card>} */
  #cards = new Map();
  /** Cards without a picture. @type {Card[]} */
  #spare = [];
  /** The picture whose card has or gets the focus. @type {Picture | undefined} */
  #current;
  /** Where it was when the grid was drawn last. */
  #lastIndex = 0;
  #whyQueued = "";
  #size = { columns: 1, width: 0, height: 0, row: 1 };
  #drawing = false;

  /** @param {HTMLElement} list @param {(picture: Picture) => void} open opens the large view */
  constructor(list, open) {
    this.#list = list;
    this.#open = open;
    new ResizeObserver(() => this.#measure()).observe(list);
    addEventListener("scroll", () => this.#drawSoon(), { passive: true });
    addEventListener("resize", () => this.#drawSoon());
    list.addEventListener("click", (event) => this.#clicked(event));
    list.addEventListener("keydown", (event) => this.#pressed(event));
    list.addEventListener("focusin", (event) => {
      const picture = this.#at(event.target);
      if (picture) this.#choose(picture);
    });
  }

  /** @param {Picture[]} pictures in the order to show @param {string} whyQueued why queued pictures wait */
  show(pictures, whyQueued) {
    this.#pictures = pictures;
    this.#whyQueued = whyQueued;
    if (this.#size.width === 0) this.#measure();
    this.#draw();
  }

  /** Scrolls to a picture and gives its card the focus. @param {Picture | undefined} picture */
  focus(picture) {
    const index = picture ? this.#pictures.indexOf(picture) : -1;
    if (!picture || index < 0) return this.#list.focus();
    this.#choose(picture);
    const { columns, row } = this.#size;
    const top = this.#list.getBoundingClientRect().top + Math.floor(index / columns) * row;
    const missing = top + row > innerHeight ? top + row - innerHeight : Math.min(0, top - GAP);
    if (missing !== 0) scrollBy({ top: missing, behavior: "instant" });
    this.#draw();
    this.#cards.get(picture)?.button.focus({ preventScroll: true });
  }

  /** Measures how large a card is here; the text size and the width of the page decide. */
  #measure() {
    const width = this.#list.clientWidth;
    if (width === 0) return;
    const columns = Math.max(1, Math.floor((width + GAP) / (NARROWEST + GAP)));
    const cardWidth = (width - GAP * (columns - 1)) / columns;
    const probe = new Card().element;
    probe.style.setProperty("inline-size", `${cardWidth}px`);
    this.#list.append(probe);
    const height = probe.offsetHeight;
    probe.remove();
    this.#size = { columns, width: cardWidth, height, row: height + GAP };
    this.#list.style.setProperty("--card-width", `${cardWidth}px`);
    this.#drawSoon();
  }

  #drawSoon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw() {
    const { columns, row } = this.#size;
    const rows = Math.ceil(this.#pictures.length / columns);
    this.#list.style.setProperty("block-size", rows === 0 ? "0" : `${rows * row - GAP}px`);
    const above = -this.#list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / row) - SPARE_ROWS) * columns;
    const last = Math.min(this.#pictures.length, (Math.ceil((above + innerHeight) / row) + SPARE_ROWS) * columns);
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const hasFocus = this.#list.contains(focused);
    this.#current = this.#pictures[this.#currentIndex(hasFocus, Math.max(0, Math.ceil(above / row)) * columns)];
    const indexes = this.#indexes(first, last);

    const wanted = new Set(indexes.map((index) => this.#pictures[index]));
    for (const [picture, card] of this.#cards) {
      if (wanted.has(picture)) continue;
      this.#cards.delete(picture);
      card.clear();
      if (this.#spare.length < 32) this.#spare.push(card);
    }
    /** @type {Element | null} */
    let before = null;
    for (const index of indexes) {
      const element = this.#place(index).element;
      const next = before ? before.nextElementSibling : this.#list.firstElementChild;
      if (next !== element) this.#list.insertBefore(element, next);
      before = element;
    }
    // A card that moved within the list or left it has lost the focus.
    if (hasFocus && document.activeElement !== focused) {
      const card = this.#current && this.#cards.get(this.#current);
      (card?.button ?? this.#list).focus({ preventScroll: true });
    }
  }

  /**
   * The index of the picture with the focus. Its next one gets the focus if it left the filter.
   * @param {boolean} hasFocus @param {number} first the first picture on the screen, if none has the focus
   */
  #currentIndex(hasFocus, first) {
    const index = this.#current ? this.#pictures.indexOf(this.#current) : -1;
    const wanted = !hasFocus || !this.#current ? first : index < 0 ? this.#lastIndex : index;
    this.#lastIndex = Math.max(0, Math.min(wanted, this.#pictures.length - 1));
    return this.#lastIndex;
  }

  /** The pictures to show: those on the screen, and the one with the focus. @param {number} first @param {number} last */
  #indexes(first, last) {
    const indexes = [];
    for (let index = first; index < last; index++) indexes.push(index);
    const current = this.#current ? this.#pictures.indexOf(this.#current) : -1;
    if (current < 0) return indexes;
    if (current < first) indexes.unshift(current);
    else if (current >= last) indexes.push(current);
    return indexes;
  }

  /** @param {number} index */
  #place(index) {
    const picture = this.#pictures[index];
    const card = this.#cards.get(picture) ?? this.#spare.pop() ?? new Card();
    this.#cards.set(picture, card);
    card.show(picture, this.#whyQueued);
    const { columns, width, row } = this.#size;
    const x = (index % columns) * (width + GAP);
    const y = Math.floor(index / columns) * row;
    card.element.style.setProperty("translate", `${x}px ${y}px`);
    card.element.setAttribute("aria-posinset", String(index + 1));
    card.element.setAttribute("aria-setsize", String(this.#pictures.length));
    card.button.tabIndex = picture === this.#current ? 0 : -1;
    return card;
  }

  /** @param {Picture} picture */
  #choose(picture) {
    const before = this.#current && this.#cards.get(this.#current);
    if (before) before.button.tabIndex = -1;
    this.#current = picture;
    this.#lastIndex = this.#pictures.indexOf(picture);
    const card = this.#cards.get(picture);
    if (card) card.button.tabIndex = 0;
  }

  /** @param {EventTarget | null} target @returns {Picture | undefined} */
  #at(target) {
    const element = target instanceof Element ? target.closest(".card") : null;
    return [...this.#cards.values()].find((card) => card.element === element)?.picture;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const picture = this.#at(event.target);
    const card = picture && this.#cards.get(picture);
    if (!card) return;
    const selection = getSelection();
    const selectsText = selection?.isCollapsed === false && selection.containsNode(card.element, true);
    if (event.detail === 0 || !selectsText) this.#open(picture);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const here = this.#current ? this.#pictures.indexOf(this.#current) : -1;
    if (here < 0) return;
    const { columns, row } = this.#size;
    const page = columns * Math.max(1, Math.floor(innerHeight / row));
    /** @type {Record<string, number>} */
    const steps = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -columns,
      ArrowDown: columns,
      PageUp: -page,
      PageDown: page,
      Home: -here,
      End: this.#pictures.length - 1 - here,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.focus(this.#pictures[Math.min(this.#pictures.length - 1, Math.max(0, here + step))]);
  }
}
