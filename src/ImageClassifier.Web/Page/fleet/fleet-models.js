// Shows the models of the fleet: what each is used for, and how it did, so that a canary can be judged.

import { modelName } from "../pictures/answered-by.js";
import { counted } from "../pictures/labels.js";

/** @typedef {import("../service/api.js").FleetModel} FleetModel */

const ROLES = { active: "Active", canary: "Canary", setting: "By setting", earlier: "Earlier" };

export class FleetModels {
  #root = byId("models");
  #sentence = byId("models-sentence");
  #table = byId("model-table");
  /** A part of the table for each model. @type {HTMLElement[]} */
  #parts = [];
  #shown = "";

  /** @param {FleetModel[]} models */
  show(models) {
    const text = JSON.stringify(models);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#root.hidden = models.length === 0;
    this.#sentence.textContent = sentence(models);
    const focused = this.#parts.findIndex((part) => part.contains(document.activeElement));
    for (const part of this.#parts) part.remove();
    this.#parts = models.map(partOf);
    this.#table.append(...this.#parts);
    if (focused >= 0) /** @type {HTMLElement | null} */ (this.#parts[focused]?.querySelector(".model-name"))?.focus();
  }
}

/** @param {FleetModel[]} models */
function sentence(models) {
  const current = models.find(({ role }) => role === "active") ?? models.find(({ role }) => role === "setting");
  const canary = models.find(({ role }) => role === "canary");
  const parts = [current?.name, canary && `${canary.name} for ${percent(canary.share ?? 0)} of the batches`];
  return parts.filter(Boolean).join(", ") || `${models.length}`;
}

/** The name above the figures, so that a phone has room for both. @param {FleetModel} model */
function partOf(model) {
  const head = document.createElement("th");
  head.scope = "rowgroup";
  head.colSpan = 4;
  head.append(modelName(model));
  const about = [
    model.builtIn && "built in",
    model.classes && counted(model.classes, "class", "classes"),
    model.since && `since ${momentOf(model.since)}`,
  ].filter(Boolean);
  if (about.length > 0) head.append(note("model-about", about.join(" · ")));
  if (model.refusal) head.append(note("model-refusal", `Nodes refuse it: ${model.refusal}`));
  const hasResults = model.classified + model.failed > 0;
  const figures = rowOf(
    cell(roleOf(model)),
    cell(model.classified.toLocaleString("en")),
    cell(hasResults ? `${model.failed.toLocaleString("en")} (${percent(model.failedShare ?? 0)})` : "–"),
    cell(model.meanConfidence === undefined ? "–" : percent(model.meanConfidence)),
  );
  const part = document.createElement("tbody");
  part.append(rowOf(head), figures);
  return part;
}

/** @param {HTMLElement[]} cells */
function rowOf(...cells) {
  const row = document.createElement("tr");
  row.append(...cells);
  return row;
}

/** @param {FleetModel} model */
function roleOf({ role, share }) {
  if (!role) return "–";
  return share === undefined ? ROLES[role] : `${ROLES[role]}, ${percent(share)}`;
}

/** @param {string} text */
function cell(text) {
  const element = document.createElement("td");
  element.textContent = text;
  return element;
}

/** @param {string} name @param {string} text */
function note(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

/** The time of today, or the day. @param {string} at */
function momentOf(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : date.toLocaleDateString();
}

/** Without a line break before the sign. @param {number} part from 0 to 1 */
const percent = (part) => `${(part * 100).toLocaleString("en", { maximumFractionDigits: 1 })}\u00A0%`;

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
