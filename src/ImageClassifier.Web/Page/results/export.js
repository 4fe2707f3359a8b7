// Downloads the results of pictures: a table for spreadsheets, and a line of JSON for each picture for programs.

import { toCsv } from "./csv.js";

/** @typedef {import("../pictures/picture.js").Picture} Picture */

const TOP = 5;

const COLUMNS = [
  ...["fileName", "label", "probability", "status", "error", "batchId", "jobId"],
  ...Array.from({ length: TOP - 1 }, (_, index) => [`label${index + 2}`, `probability${index + 2}`]).flat(),
  ...["model", "modelSha256", "instanceId", "cached", "sha256", "rightLabel"],
];

/** @param {Picture[]} pictures */
export function downloadCsv(pictures) {
  download(new Blob([toCsv(COLUMNS, pictures.map(rowOf))], { type: "text/csv;charset=utf-8" }), "classified.csv");
}

/** @param {Picture[]} pictures */
export function downloadJsonLines(pictures) {
  const lines = pictures.map((picture) => `${JSON.stringify(documentOf(picture))}\n`);
  download(new Blob(lines, { type: "application/jsonl;charset=utf-8" }), "classified.jsonl");
}

/** Downloads a file. @param {Blob} content @param {string} fileName */
export function download(content, fileName) {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** @param {Picture} picture */
function rowOf(picture) {
  /** @type {import("./csv.js").Row} */
  const row = {
    fileName: picture.fileName,
    label: "",
    probability: null,
    status: picture.state,
    error: picture.reason,
    batchId: picture.batchId ?? "",
    jobId: picture.jobId ?? "",
    model: picture.model?.name ?? "",
    modelSha256: picture.model?.sha256 ?? "",
    instanceId: picture.instanceId ?? "",
    cached: picture.cached ? "true" : "",
    sha256: picture.hash,
    rightLabel: picture.rightLabel,
  };
  for (let index = 0; index < TOP; index++) {
    const place = index === 0 ? "" : String(index + 1);
    row[`label${place}`] = picture.predictions[index]?.label ?? "";
    row[`probability${place}`] = picture.predictions[index]?.probability ?? null;
  }
  return row;
}

/** With the names of the API. @param {Picture} picture */
function documentOf(picture) {
  const { batchId, jobId, fileName, model, instanceId, timings } = picture;
  return {
    batchId,
    jobId,
    fileName,
    status: picture.state,
    error: picture.reason || undefined,
    predictions: picture.predictions.slice(0, TOP),
    model,
    instanceId,
    timings,
    cached: picture.cached || undefined,
    sha256: picture.hash || undefined,
    rightLabel: picture.rightLabel || undefined,
  };
}
