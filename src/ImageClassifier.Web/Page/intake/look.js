// Looks at files before they are sent: what each is, and whether the page has the same bytes already.

import { HEAD_LENGTH, kindOf, refusalOf } from "./file-kinds.js";

/** @typedef {import("../pictures/picture.js").Picture} Picture */
/** @typedef {{ refusal: string, hash: string, toSend: File }} Look refusal, hash: empty if there is none */

// A group becomes one request, so that results come early.
const GROUP_FILES = 100;
const GROUP_BYTES = 32 * 1024 * 1024;
const AT_ONCE = 3;
/** Why a file is refused that changed or vanished after it was chosen. */
export const UNREADABLE = "The file cannot be read. Check that it still exists, and choose it again.";

const LARGEST_HASHED = 64 * 1024 * 1024; // The whole file is in memory while it is hashed.

/**
 * Looks at pictures in groups, in their order.
 * @param {Picture[]} pictures pictures with files
 * @param {() => string | undefined} formats what the service takes, as far as it is known
 * @returns {AsyncGenerator<{ picture: Picture, look: Look }[]>}
 */
export async function* looks(pictures, formats) {
  for (let at = 0; at < pictures.length; ) {
    const group = [];
    for (let bytes = 0; at < pictures.length && group.length < GROUP_FILES && bytes < GROUP_BYTES; at++) {
      group.push(pictures[at]);
      bytes += pictures[at].file?.size ?? 0;
    }
    yield await lookAt(group, formats);
  }
}

/** @param {Picture[]} group @param {() => string | undefined} formats */
async function lookAt(group, formats) {
  /** @type {{ picture: Picture, look: Look }[]} */
  const looked = group.map((picture) => {
    return { picture, look: { refusal: "", hash: "", toSend: /** @type {File} */ (picture.file) } };
  });
  const rest = looked.values();
  const work = async () => {
    for (const entry of rest) entry.look = await lookAtFile(entry.look.toSend, entry.picture.hash, formats);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return looked;
}

/**
 * @param {File} file @param {string} known its hash, if it is known
 * @param {() => string | undefined} formats @returns {Promise<Look>}
 */
async function lookAtFile(file, known, formats) {
  try {
    const kind = kindOf(new Uint8Array(await file.slice(0, HEAD_LENGTH).arrayBuffer()));
    const refusal = kind ? refusalOf(kind, formats()) : "";
    if (refusal) return { refusal, hash: "", toSend: file };
    // The service refuses this file by its beginning or name, so a whole film need not be uploaded.
    if (!kind || isRefusedByName(file)) {
      return { refusal: "", hash: "", toSend: new File([file.slice(0, HEAD_LENGTH)], file.name, { type: file.type }) };
    }
    return { refusal: "", hash: known || (await hashOf(file)), toSend: file };
  } catch {
    return { refusal: UNREADABLE, hash: "", toSend: file };
  }
}

/** Whether the file on the disk is still the one that was chosen. @param {File} file @returns {Promise<boolean>} */
export const isReadable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

/** The file's SHA-256; empty if this page cannot compute it. @param {File} file */
async function hashOf(file) {
  if (file.size > LARGEST_HASHED) return "";
  const bytes = await file.arrayBuffer();
  // Browsers have crypto.subtle only on https pages and on this machine.
  if (!crypto.subtle) return hashByWorker(bytes);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @type {Worker | undefined} */
let worker;

/** @param {ArrayBuffer} bytes @returns {Promise<string>} */
function hashByWorker(bytes) {
  const hasher = (worker ??= new Worker(new URL("sha256-worker.js", import.meta.url), { type: "module" }));
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    // The browser is too old for modules in workers, or did not get this one. A broken worker says so only once, so the
    // next file gets a new worker.
    hasher.addEventListener("error", () => {
      if (worker === hasher) worker = undefined;
      resolve("");
    });
    hasher.postMessage({ bytes, port: port2 }, [bytes, port2]);
  });
}

/** Whether a name has the extension of a format that the service can accept. @param {string} name */
export const isPictureName = (name) => /\.(jpe?g|jfif|jpe|jif|pjp|pjpeg|png|webp)$/i.test(name);

/** Whether the service refuses the file by its name alone. @param {File} file */
const isRefusedByName = ({ name }) => /\.[a-z0-9]+$/i.test(name) && !isPictureName(name);
