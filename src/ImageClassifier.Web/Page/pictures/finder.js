// The controls that filter and sort the pictures, and the counts by label.

import { counted, firstName } from "./labels.js";
import { EVERYTHING, commonest, select } from "./selection.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./selection.js").Wish} Wish */

const LABELS_SHOWN = 12;

export class Finder {
  #root = byId("finder");
  #states = /** @type {HTMLSelectElement} */ (byId("find-state"));
  #text = /** @type {HTMLInputElement} */ (byId("find-text"));
  #least = /** @type {HTMLInputElement} */ (byId("find-least"));
  #order = /** @type {HTMLSelectElement} */ (byId("find-order"));
  #labels = byId("find-labels");
  #moreLabels = byId("find-more-labels");
  #count = byId("find-count");
  #reset = byId("find-reset");
  #label = "";
  /** @type {Map<string, HTMLButtonElement>} */
  #chips = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    for (const control of [this.#states, this.#text, this.#least, this.#order]) control.addEventListener("input", onChange);
    this.#reset.addEventListener("click", () => {
      this.#label = this.#text.value = "";
      this.#states.value = EVERYTHING.state;
      this.#least.value = String(EVERYTHING.leastConfidence);
      this.#order.value = EVERYTHING.order;
      onChange();
      // The button is hidden now, so it cannot keep the focus.
      const more = /** @type {HTMLDetailsElement} */ (byId("find-more"));
      (more.open ? this.#text : more.querySelector("summary"))?.focus();
    });
    this.#labels.addEventListener("click", ({ target }) => {
      const chip = target instanceof Element ? target.closest("button") : null;
      if (!chip) return;
      const label = chip.dataset.label ?? "";
      this.#label = this.#label === label ? "" : label;
      onChange();
    });
  }

  /** The pictures to show. @param {Picture[]} all @param {boolean} isWorking whether results are coming @returns {Picture[]} */
  show(all, isWorking) {
    const total = all.length;
    this.#root.hidden = total < 2;
    // Filters that nobody sees must not hide the only picture.
    const wish = total < 2 ? EVERYTHING : this.#wish();
    const { shown, labels, states } = select(all, wish);
    for (const option of this.#states.options) {
      const state = /** @type {keyof typeof states} */ (option.value);
      setText(option, `${option.dataset.words} (${states[state].toLocaleString("en")})`);
      option.hidden = state === "corrected" && !all.some(({ rightLabel }) => rightLabel !== "");
    }
    setText(byId("find-least-value"), wish.leastConfidence === 0 ? "any" : `${this.#least.value} %`);
    this.#showLabels(labels);
    const isEverything = shown.length === total && wish.order === EVERYTHING.order;
    this.#reset.hidden = isEverything && this.#isPlain(wish);
    // Otherwise a screen reader says each number while results come.
    this.#count.setAttribute("aria-live", isWorking ? "off" : "polite");
    const part = shown.length === total ? "" : `${shown.length.toLocaleString("en")} of `;
    setText(this.#count, part + counted(total, "picture"));
    return shown;
  }

  /** @returns {Wish} */
  #wish() {
    return {
      state: /** @type {Wish["state"]} */ (this.#states.value),
      label: this.#label,
      text: this.#text.value.trim().toLowerCase(),
      leastConfidence: Number(this.#least.value) / 100,
      order: /** @type {Wish["order"]} */ (this.#order.value),
    };
  }

  /** @param {Wish} wish */
  #isPlain(wish) {
    return Object.entries(EVERYTHING).every(([name, value]) => wish[/** @type {keyof Wish} */ (name)] === value);
  }

  /** @param {Map<string, number>} labels */
  #showLabels(labels) {
    if (this.#label && !labels.has(this.#label)) labels.set(this.#label, 0);
    const common = commonest(labels, LABELS_SHOWN);
    if (this.#label && !common.some(([label]) => label === this.#label)) {
      common.push([this.#label, labels.get(this.#label) ?? 0]);
    }
    const focused = document.activeElement;
    const wanted = new Set(common.map(([label]) => label));
    for (const [label, chip] of this.#chips) {
      if (wanted.has(label) || chip === focused) continue;
      chip.parentElement?.remove();
      this.#chips.delete(label);
    }
    common.forEach(([label, count], index) => {
      const chip = this.#chips.get(label) ?? this.#newChip(label);
      setText(/** @type {Element} */ (chip.lastElementChild), count.toLocaleString("en"));
      chip.setAttribute("aria-pressed", String(label === this.#label));
      const item = /** @type {HTMLElement} */ (chip.parentElement);
      // The focus would be lost if its chip moved, so the others move around it.
      const there = this.#labels.children[index] ?? null;
      if (there !== item && chip !== focused) this.#labels.insertBefore(item, there);
    });
    const others = labels.size - common.length;
    this.#moreLabels.hidden = others <= 0;
    setText(this.#moreLabels, `${counted(others, "more label")}. Search by name.`);
  }

  /** @param {string} label */
  #newChip(label) {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.dataset.label = label;
    chip.title = label;
    const name = document.createElement("bdi");
    name.textContent = firstName(label);
    const count = document.createElement("span");
    count.className = "chip-count";
    chip.append(name, " ", count);
    const item = document.createElement("li");
    item.append(chip);
    this.#labels.append(item);
    this.#chips.set(label, chip);
    return chip;
  }
}

/** @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
