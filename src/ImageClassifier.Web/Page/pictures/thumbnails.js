// Small thumbnails, made here two at a time and only for cards on the screen, so that a thousand photos are no load.

import { originalOf, readOriginal } from "../service/images.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("../service/images.js").Original} Original */

// Twice the largest size on a card, for dense screens. No side of a panorama gets longer than LONGEST.
const WIDTH = 480;
const HEIGHT = 360;
const LONGEST = 960;
const AT_ONCE = 2;
const KEPT = 300;
const NO_PREVIEW = "No preview";
const REST = 120; // Cards that only pass by on scrolling load nothing.

/** The frames that wait for their picture, the newest last. @type {Map<Element, Picture>} */
const wanted = new Map();
/** The thumbnails made, the last used last. @type {Map<Picture, Original>} */
const made = new Map();
/** The picture that a frame has or waits for. @type {WeakMap<Element, Picture>} */
const showing = new WeakMap();
let working = 0;

/** Shows the picture in the frame. @param {Element} frame @param {Picture} picture */
export function showThumbnail(frame, picture) {
  hideThumbnail(frame);
  showing.set(frame, picture);
  const known = made.get(picture);
  if (known) return show(frame, picture, known);
  wanted.set(frame, picture);
  setTimeout(pump, REST);
}

/** Empties the frame. @param {Element} frame */
export function hideThumbnail(frame) {
  wanted.delete(frame);
  showing.delete(frame);
  frame.removeAttribute("data-lack");
  frame.querySelector("img")?.remove();
}

/** Frees what is kept for a picture that left the page. @param {Picture} picture */
export function forgetThumbnail(picture) {
  const address = made.get(picture)?.address;
  if (address?.startsWith("blob:")) URL.revokeObjectURL(address);
  made.delete(picture);
}

function pump() {
  while (working < AT_ONCE) {
    const [next] = wanted;
    if (!next) return;
    const [frame, picture] = next;
    wanted.delete(frame);
    working++;
    make(picture).then((thumbnail) => {
      working--;
      show(frame, picture, thumbnail);
      pump();
    });
  }
}

/** @param {Picture} picture @returns {Promise<Original>} */
async function make(picture) {
  const { lack } = picture.file ? { lack: "" } : await originalOf(picture);
  const content = picture.file ?? (lack ? null : await readOriginal(picture).catch(() => null));
  const small = content && (await shrink(content));
  const known = made.get(picture);
  if (known) return known; // Another card asked for the same picture meanwhile.
  const thumbnail = small ? { address: URL.createObjectURL(small), lack: "" } : { address: "", lack: lack || NO_PREVIEW };
  keep(picture, thumbnail);
  return thumbnail;
}

/** @param {Picture} picture @param {Original} thumbnail */
function keep(picture, thumbnail) {
  made.set(picture, thumbnail);
  for (const [oldest] of made) {
    if (made.size <= KEPT) return;
    forgetThumbnail(oldest);
  }
}

/** @param {Element} frame @param {Picture} picture @param {Original} thumbnail */
function show(frame, picture, thumbnail) {
  if (showing.get(frame) !== picture) return; // The frame has another picture by now.
  const { address, lack } = thumbnail;
  if (address === "") return showLack(frame, lack);
  made.delete(picture);
  made.set(picture, thumbnail);
  const image = new Image();
  image.alt = ""; // The file name is next to the picture.
  image.decoding = "async";
  image.onerror = () => {
    if (!image.isConnected) return;
    image.remove();
    showLack(frame, NO_PREVIEW);
  };
  image.src = address;
  frame.querySelector("img")?.remove();
  frame.append(image);
}

/**
 * The style sheet shows the words: as text of the button they would have to be in its name.
 * @param {Element} frame @param {string} lack
 */
function showLack(frame, lack) {
  frame.setAttribute("data-lack", lack);
}

/** @param {Blob} content @returns {Promise<Blob | null>} null if the browser cannot show it */
async function shrink(content) {
  try {
    const picture = await createImageBitmap(content);
    try {
      const scale = Math.min(1, Math.max(WIDTH / picture.width, HEIGHT / picture.height));
      const width = Math.max(1, Math.round(picture.width * scale));
      const height = Math.max(1, Math.round(picture.height * scale));
      const canvas = new OffscreenCanvas(Math.min(width, LONGEST), Math.min(height, LONGEST));
      const context = canvas.getContext("2d");
      if (!context) return null;
      // Transparent pictures get a white background, as in the classifier.
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.imageSmoothingQuality = "medium";
      context.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
      return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
    } finally {
      picture.close();
    }
  } catch {
    return null;
  }
}
