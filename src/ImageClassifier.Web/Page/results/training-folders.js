// Exports pictures with the labels that the user says are right: a ZIP archive with a folder for each label. The folder
// in it is one that the verb `train` takes.

import { isReadable } from "../intake/look.js";
import { firstName } from "../pictures/labels.js";
import { readOriginal } from "../service/images.js";
import { zipOf } from "./zip.js";

/** @typedef {import("../pictures/picture.js").Picture} Picture */

/**
 * @param {Iterable<Picture>} pictures the marked ones
 * @returns {Promise<{ archive: Blob, missing: Picture[] }>} missing: nobody has a copy of them any more
 */
export async function trainingFolders(pictures) {
  /** @type {Map<string, Blob>} */
  const files = new Map();
  const missing = [];
  for (const picture of pictures) {
    const content = await contentOf(picture);
    if (content) files.set(freeName(files, `${folderName(picture.rightLabel)}/${safe(picture.fileName)}`), content);
    else missing.push(picture);
  }
  const archive = await zipOf([...files].map(([name, content]) => ({ name: `corrections/${name}`, content })));
  return { archive, missing };
}

/** @param {Picture} picture @returns {Promise<Blob | null>} */
async function contentOf(picture) {
  if (picture.file && (await isReadable(picture.file))) return picture.file;
  return readOriginal(picture).catch(() => null);
}

/** The name becomes the label, so it keeps what a folder's name can have. @param {string} label */
const folderName = (label) => safe(firstName(label));

/** A name for a file on any system. `train` leaves out names that begin with a dot. @param {string} name */
const safe = (name) => name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}<>:"/\\|?*]/gu, "_").replace(/^\.+|[. ]+$/g, "_") || "_";

/** @param {Map<string, unknown>} taken @param {string} name */
function freeName(taken, name) {
  const [, stem, ending] = /** @type {RegExpExecArray} */ (/^(.*?)(\.[^./]*)?$/s.exec(name));
  for (let number = 1; ; number++) {
    const free = number === 1 ? name : `${stem}-${number}${ending ?? ""}`;
    if (!taken.has(free)) return free;
  }
}
