// Shows the instances of the fleet, their models and the last decisions.

import { readFleet } from "../service/api.js";
import { drawCharts } from "./charts.js";
import { FleetModels } from "./fleet-models.js";
import { FleetHistory } from "./history.js";
import { counted } from "../pictures/labels.js";
import { pause } from "../service/pause.js";

/** @typedef {import("../service/api.js").Fleet} Fleet */
/** @typedef {import("../service/api.js").Instance} Instance */
/** @typedef {import("../service/api.js").InstanceState} InstanceState */
/** @typedef {import("../service/api.js").Decision} Decision */

const BUSY_INTERVAL = 1_000;
const IDLE_INTERVAL = 5_000;
const ENDED_STAYS = 20_000;
const DECISIONS_SHOWN = 20;

/** @typedef {{ element: HTMLElement, state: InstanceState, endedAt: number }} Tile endedAt: by this page's clock */

/**
 * Shows the fleet while the page is open.
 * @param {() => boolean} working whether this page waits for results
 * @param {(fleet: Fleet) => void} onFleet called with each state of the fleet
 */
export async function showFleet(working, onFleet) {
  const view = new FleetView();
  for (;;) {
    if (document.hidden) await visible();
    let busy = false;
    try {
      const fleet = await readFleet();
      busy = fleet !== null && view.show(fleet);
      if (fleet) onFleet(fleet);
    } catch (failure) {
      view.showFailure(/** @type {Error} */ (failure));
    }
    await pauseUntilNews(busy || working() ? BUSY_INTERVAL : IDLE_INTERVAL);
  }
}

class FleetView {
  #count = byId("fleet-count");
  #problem = byId("fleet-problem");
  #list = byId("instances");
  #models = new FleetModels();
  #history = new FleetHistory();
  #charts = byId("charts");
  #scalerSays = byId("scaler-says");
  #decisions = byId("decisions");
  #decisionList = byId("decision-list");
  /** @type {Map<string, Tile>} */
  #tiles = new Map();
  #known = new Set();
  #first = true;
  #lastDecisions = "";

  /** @param {Fleet} fleet @returns {boolean} whether a change is likely soon */
  show(fleet) {
    const now = performance.now();
    const reported = new Map(fleet.instances.map((instance) => [instance.instanceId, instance]));
    for (const [id, { state }] of reported) {
      // Instances that ended before the page was opened are not shown.
      if (!this.#known.has(id) && !(this.#first && state === "ended")) this.#add(id);
      this.#known.add(id);
    }
    for (const [id, tile] of this.#tiles) {
      const instance = reported.get(id);
      const state = instance?.state ?? "ended";
      if (state === "ended" && tile.state !== "ended") tile.endedAt = now;
      if (state !== tile.state) this.#mark(tile, state);
      if (instance) tile.element.title = titleOf(instance);
      if (state === "ended" && now - tile.endedAt > ENDED_STAYS) this.#remove(id, tile);
    }
    this.#first = false;

    const alive = fleet.instances.filter(({ state }) => state !== "ended").length;
    setText(this.#count, sentence(fleet, alive));
    const problem = problemOf(fleet);
    this.#problem.hidden = problem === "";
    setText(this.#problem, problem);
    this.#models.show(fleet.models ?? []);
    this.#history.add(fleet, Date.now());
    this.#charts.hidden = false;
    drawCharts(this.#history.moments, Date.now());
    this.#showDecisions(fleet);
    return alive > 0 || fleet.backlog > 0 || fleet.waiting > 0 || this.#tiles.size > 0;
  }

  /** @param {Error} failure */
  showFailure({ message }) {
    setText(this.#count, `${message} Trying again…`);
  }

  /** @param {string} id */
  #add(id) {
    const template = /** @type {HTMLTemplateElement} */ (byId("instance-template"));
    const element = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
    element.title = id;
    part(element, ".instance-name").textContent = id.slice(-6);
    const tile = { element, state: /** @type {InstanceState} */ ("pending"), endedAt: 0 };
    this.#mark(tile, "pending");
    this.#tiles.set(id, tile);
    this.#list.append(element);
  }

  /** @param {Tile} tile @param {InstanceState} state */
  #mark(tile, state) {
    tile.state = state;
    tile.element.dataset.state = state;
    part(tile.element, ".instance-state").textContent = state;
  }

  /** @param {string} id @param {Tile} tile */
  #remove(id, tile) {
    this.#tiles.delete(id);
    tile.element.classList.add("fading");
    setTimeout(() => tile.element.remove(), 600);
  }

  /** @param {Fleet} fleet */
  #showDecisions(fleet) {
    const decisions = (fleet.decisions ?? []).slice(0, DECISIONS_SHOWN);
    const text = decisions
      .map((decision) => `${decision.at} ${snapshotAndOutcome(decision)} ${decision.reason}`)
      .join("\n");
    if (text === this.#lastDecisions) return;
    this.#lastDecisions = text;
    this.#decisions.hidden = decisions.length === 0;
    this.#scalerSays.textContent = decisions[0] ? datedReason(decisions[0]) : "";
    this.#decisionList.replaceChildren(
      ...decisions.map((decision) => {
        const item = document.createElement("li");
        const time = document.createElement("time");
        time.dateTime = decision.at;
        time.textContent = timeOf(decision);
        const seen = document.createElement("span");
        seen.className = "decision-seen";
        seen.textContent = snapshotAndOutcome(decision);
        item.append(time, " ", decision.reason, seen);
        return item;
      }),
    );
  }
}

/** @param {Decision} decision */
const timeOf = ({ at }) => new Date(at).toLocaleTimeString();

/** A launch stays the newest decision until something changes, so its figures get old. @param {Decision} decision */
const datedReason = (decision) =>
  decision.launched > 0 ? `At ${timeOf(decision)}: ${decision.reason}` : decision.reason;

/** @param {Decision} decision its snapshot and outcome */
function snapshotAndOutcome({ waiting, running, pending, wanted, launched }) {
  return `${waiting} waiting · ${running} running · ${pending} booting · ${wanted} wanted · ${launched} launched`;
}

/** @param {Instance} instance */
function titleOf({ instanceId, picturesDone, model, loaded }) {
  if (picturesDone === undefined) return instanceId;
  const models = [model, ...(loaded ?? []).map(({ name }) => name)].filter(Boolean).join(", ");
  return `${instanceId}: ${counted(picturesDone, "picture")} done${models && ` with ${models}`}`;
}

/** @param {Fleet} fleet @param {number} alive */
function sentence(fleet, alive) {
  const noun = fleet.maxInstances === 1 ? "instance" : "instances";
  if (alive === 0 && fleet.backlog === 0) return `0 of ${fleet.maxInstances} ${noun}: they start when pictures come`;
  const inFlight = fleet.inFlight > 0 ? `, ${fleet.inFlight} in flight` : "";
  return `${alive} of ${fleet.maxInstances} ${noun}, ${fleet.waiting} waiting${inFlight}`;
}

/** Why the last node that could not work ended; empty if there is none. @param {Fleet} fleet */
function problemOf({ problems }) {
  const newest = problems?.[0];
  if (newest === undefined) return "";
  const time = new Date(newest.at).toLocaleTimeString();
  return `Instance ${newest.instanceId.slice(-6)} could not work and ended at ${time}: ${newest.reason}`;
}

/** Waits, but returns early on the event `fleet-news`, which announces a change. @param {number} ms */
function pauseUntilNews(ms) {
  const cut = new AbortController();
  addEventListener("fleet-news", () => cut.abort(), { once: true, signal: cut.signal });
  return pause(ms, cut.signal).finally(() => cut.abort());
}

/** Resolves when the page becomes visible. @returns {Promise<void>} */
function visible() {
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", function seen() {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", seen);
      resolve();
    });
  });
}

/** @param {Element} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} selector */
const part = (element, selector) => /** @type {HTMLElement} */ (element.querySelector(selector));

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
