// Which pictures are shown, and in which order. It knows nothing of the document.

import { firstName } from "./labels.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {"all" | "open" | "classified" | "failed" | "corrected"} StateFilter */
/** @typedef {"chosen" | "name" | "label" | "confidence"} Order */
/**
 * @typedef {object} Wish what the user wants to see
 * @property {StateFilter} state
 * @property {string} label the first label in full; empty for any
 * @property {string} text part of a file name or label, in lower case
 * @property {number} leastConfidence from 0 to 1; 0 also shows pictures without a result
 * @property {Order} order
 */

/** @type {Readonly<Wish>} */
export const EVERYTHING = { state: "all", label: "", text: "", leastConfidence: 0, order: "chosen" };

/** @type {Record<StateFilter, (picture: Picture) => boolean>} */
const OF_STATE = {
  all: () => true,
  open: ({ finished }) => !finished,
  classified: ({ state }) => state === "classified",
  failed: ({ state }) => state === "failed" || state === "rejected",
  corrected: ({ rightLabel }) => rightLabel !== "",
};

const collator = new Intl.Collator(undefined, { numeric: true });

/** The confidence in the first label; -1 without a result. @param {Picture} picture */
const confidence = ({ best }) => best?.probability ?? -1;

/** @type {Record<Exclude<Order, "chosen">, (a: Picture, b: Picture) => number>} */
const ORDERS = {
  name: (a, b) => collator.compare(a.fileName, b.fileName),
  // Pictures without a label come last.
  label: (a, b) => Number(!a.best) - Number(!b.best) || collator.compare(a.best?.label ?? "", b.best?.label ?? ""),
  confidence: (a, b) => Number(!a.best) - Number(!b.best) || confidence(a) - confidence(b),
};

/**
 * Selects pictures, and counts what each filter would show.
 * @param {Iterable<Picture>} pictures @param {Wish} wish
 */
export function select(pictures, wish) {
  /** @type {Picture[]} */
  const shown = [];
  /** How many pictures each label has, the label filter aside. @type {Map<string, number>} */
  const labels = new Map();
  /** How many pictures each state has, the state filter aside. @type {Record<StateFilter, number>} */
  const states = { all: 0, open: 0, classified: 0, failed: 0, corrected: 0 };
  const filters = /** @type {StateFilter[]} */ (Object.keys(states));
  for (const picture of pictures) {
    if (!fits(picture, wish)) continue;
    const label = picture.best?.label;
    const hasLabel = wish.label === "" || wish.label === label;
    const hasState = OF_STATE[wish.state](picture);
    if (hasLabel) for (const state of filters) if (OF_STATE[state](picture)) states[state]++;
    if (hasState && label !== undefined) labels.set(label, (labels.get(label) ?? 0) + 1);
    if (hasLabel && hasState) shown.push(picture);
  }
  if (wish.order !== "chosen") shown.sort(ORDERS[wish.order]);
  return { shown, labels, states };
}

/** @param {Picture} picture @param {Wish} wish */
function fits(picture, { text, leastConfidence }) {
  if (leastConfidence > 0 && confidence(picture) < leastConfidence) return false;
  if (text === "") return true;
  return picture.fileName.toLowerCase().includes(text) || Boolean(picture.best?.label.toLowerCase().includes(text));
}

/** The labels that most pictures have. @param {Map<string, number>} labels @param {number} most */
export const commonest = (labels, most) =>
  [...labels].sort((a, b) => b[1] - a[1] || collator.compare(firstName(a[0]), firstName(b[0]))).slice(0, most);
