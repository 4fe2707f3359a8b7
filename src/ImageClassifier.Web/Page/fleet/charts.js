// Draws the last ten minutes of the fleet as small charts.

import { SPAN } from "./history.js";

/** @typedef {import("./history.js").Moment} Moment */
/** @typedef {{ name: string, words: string, of: (moment: Moment) => number }} Series the first is at the bottom */

const WIDTH = 600;
const HEIGHT = 56;
const SVG = "http://www.w3.org/2000/svg";

/** @type {{ id: string, series: Series[] }[]} */
const CHARTS = [
  { id: "chart-waiting", series: [{ name: "waiting", words: "waiting", of: ({ waiting }) => waiting }] },
  {
    id: "chart-instances",
    series: [
      { name: "running", words: "running", of: ({ running }) => running },
      { name: "pending", words: "booting", of: ({ pending }) => pending },
      { name: "draining", words: "draining", of: ({ draining }) => draining },
    ],
  },
  { id: "chart-rate", series: [{ name: "rate", words: "a second", of: ({ rate }) => rate }] },
];

/** @param {Moment[]} moments oldest first @param {number} now */
export function drawCharts(moments, now) {
  for (const { id, series } of CHARTS) drawChart(byId(id), series, moments, now);
}

/** @param {HTMLElement} figure @param {Series[]} series @param {Moment[]} moments @param {number} now */
function drawChart(figure, series, moments, now) {
  const total = (/** @type {Moment} */ moment) => series.reduce((sum, { of }) => sum + of(moment), 0);
  const most = Math.max(0, ...moments.map(total));
  const svg = svgOf(figure, series);
  let below = moments.map(() => 0);
  series.forEach(({ of }, index) => {
    const above = moments.map((moment, at) => below[at] + of(moment));
    svg.children[index].setAttribute("d", area(moments, below, above, Math.max(1, most), now));
    below = above;
  });
  const last = moments.at(-1);
  const current = series.map(({ words, of }) => `${last ? figureOf(of(last)) : 0} ${words}`);
  setText(part(figure, ".chart-now"), current.filter((text, index) => index === 0 || !text.startsWith("0 ")).join(", "));
  setText(part(figure, ".chart-most"), `at most ${figureOf(most)}`);
}

/** @param {HTMLElement} figure @param {Series[]} series */
function svgOf(figure, series) {
  const known = figure.querySelector("svg");
  if (known) return known;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true"); // The caption says it in words.
  for (const { name } of series) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", `area ${name}`);
    svg.append(path);
  }
  figure.append(svg);
  return svg;
}

/**
 * The area between two lines of steps: a value holds until the next moment.
 * @param {Moment[]} moments @param {number[]} below @param {number[]} above @param {number} most @param {number} now
 */
function area(moments, below, above, most, now) {
  if (moments.length === 0) return "";
  const x = moments.map(({ at }) => (Math.max(0, WIDTH * (1 - (now - at) / SPAN))).toFixed(1));
  const y = (/** @type {number} */ value) => (HEIGHT - (HEIGHT - 2) * (value / most)).toFixed(1);
  const line = (/** @type {number[]} */ values) =>
    values.map((value, index) => `${x[index]},${y(value)} ${x[index + 1] ?? WIDTH},${y(value)}`);
  const back = line(below).reverse().map((step) => step.split(" ").reverse().join(" "));
  return `M${line(above).join(" ")} L${back.join(" ")}Z`;
}

/** @param {number} value */
const figureOf = (value) => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });

/** @param {Element} element @param {string} selector */
const part = (element, selector) => /** @type {HTMLElement} */ (element.querySelector(selector));

/** @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
