// Labels and probabilities as people read them.

/** The first name of a label with synonyms: `tench, Tinca tinca` is a tench. @param {string} label */
export const firstName = (label) => label.split(", ", 1)[0];

/** @param {number} part from 0 to 1 */
export function percent(part) {
  if (part > 0 && part < 0.001) return "< 0.1 %";
  return `${(part * 100).toFixed(part < 0.0995 ? 1 : 0)} %`;
}

/** @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/**
 * Fills a row of a label and its probability.
 * @param {Element} row @param {{ label: string, probability: number }} prediction @param {boolean} [withSynonyms]
 */
export function fillRow(row, { label, probability }, withSynonyms = false) {
  const [name, figure] = row.children;
  name.textContent = withSynonyms ? label : firstName(label);
  /** @type {HTMLElement} */ (name).title = withSynonyms ? "" : label;
  figure.textContent = percent(probability);
  /** @type {HTMLElement} */ (row).style.setProperty("--part", String(probability));
}

/** A row for `fillRow`, in a list. */
export function newRow() {
  const row = document.createElement("li");
  row.className = "bar";
  const name = document.createElement("bdi");
  name.className = "other-label";
  const figure = document.createElement("span");
  figure.className = "other-probability";
  row.append(name, figure);
  return row;
}
