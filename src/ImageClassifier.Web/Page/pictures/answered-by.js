// Says which models answered the pictures on the page, and how to get another one if it was the built-in one.

import { counted } from "./labels.js";

/** @typedef {import("../service/api.js").Model} Model */
/** @typedef {import("../service/api.js").FleetModel} FleetModel */
/** @typedef {import("./picture.js").Picture} Picture */

const HASH_DIGITS = 12;

export class AnsweredBy {
  #root = byId("answered");
  #lines = byId("answered-by");
  #hint = byId("other-model");
  /** The line of each model. @type {Map<string, HTMLElement>} */
  #lineOf = new Map();
  /** The SHA-256 of the built-in model, as far as the service has shown it. @type {Set<string>} */
  #builtIn = new Set();

  /** Learns which models are built in. @param {FleetModel[]} models */
  learn(models) {
    for (const { sha256, builtIn } of models) if (builtIn) this.#builtIn.add(sha256);
    this.#showHint();
  }

  /** @param {Iterable<Picture>} pictures */
  show(pictures) {
    /** @type {Map<string, { model: Model, pictures: number }>} */
    const answered = new Map();
    for (const { state, model } of pictures) {
      if (state !== "classified" || !model) continue;
      const known = answered.get(model.sha256) ?? { model, pictures: 0 };
      known.pictures++;
      answered.set(model.sha256, known);
    }

    for (const [sha256, line] of this.#lineOf) {
      if (answered.has(sha256)) continue;
      line.remove();
      this.#lineOf.delete(sha256);
    }
    for (const [sha256, { model, pictures }] of answered) {
      const line = this.#lineOf.get(sha256) ?? this.#add(model);
      // With a single model, the figures above say how many.
      const text = answered.size === 1 ? "Classified by " : `${counted(pictures, "picture")} classified by `;
      if (line.firstChild && line.firstChild.textContent !== text) line.firstChild.textContent = text;
    }
    this.#root.hidden = answered.size === 0;
    this.#showHint();
  }

  /** @param {Model} model */
  #add(model) {
    const line = document.createElement("p");
    const classes = model.classes ? `, which knows ${counted(model.classes, "class", "classes")}.` : ".";
    line.append("", modelName(model), classes);
    this.#lineOf.set(model.sha256, line);
    this.#lines.append(line);
    return line;
  }

  #showHint() {
    this.#hint.hidden = ![...this.#lineOf.keys()].some((sha256) => this.#builtIn.has(sha256));
  }
}

/** The name of a model, with its short hash for those who hover over it, focus it or hear it. @param {Model} model */
export function modelName({ name, sha256 }) {
  const element = document.createElement("span");
  element.className = "model-name";
  element.tabIndex = 0;
  const hash = document.createElement("span");
  hash.className = "model-hash";
  hash.textContent = ` ${sha256.slice(0, HASH_DIGITS)}`;
  element.append(name, hash);
  return element;
}

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
