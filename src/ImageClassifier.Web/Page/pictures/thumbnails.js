// Small thumbnails. Those of local files are made here, two at a time and only for cards on the screen, so that a thousand
// photos are no load.

import { imageAddress } from "../service/api.js";

/** @typedef {import("./picture.js").Picture} Picture */

// Twice the largest size on a card, for dense screens. No side of a panorama gets longer than LONGEST.
const WIDTH = 480;
const HEIGHT = 360;
const LONGEST = 960;
const AT_ONCE = 2;
const KEPT = 300;
const REST = 120; // Cards that only pass by on scrolling load nothing.

/** The frames that wait for their picture, the newest last. @type {Map<Element, Picture>} */
const wanted = new Map();
/** The thumbnails made, the last used last; null if the browser cannot show the file. @type {Map<Picture, string | null>} */
const made = new Map();
/** The picture that a frame has or waits for. @type {WeakMap<Element, Picture>} */
const showing = new WeakMap();
let working = 0;

/** Shows the picture in the frame. @param {Element} frame @param {Picture} picture */
export function showThumbnail(frame, picture) {
  hideThumbnail(frame);
  showing.set(frame, picture);
  if (made.has(picture)) return show(frame, picture, made.get(picture) ?? null);
  wanted.set(frame, picture);
  setTimeout(pump, REST);
}

/** Empties the frame. @param {Element} frame */
export function hideThumbnail(frame) {
  wanted.delete(frame);
  showing.delete(frame);
  frame.classList.remove("without-preview");
  frame.querySelector("img")?.remove();
}

/** Frees what is kept for a picture that left the page. @param {Picture} picture */
export function forgetThumbnail(picture) {
  const url = made.get(picture);
  if (url?.startsWith("blob:")) URL.revokeObjectURL(url);
  made.delete(picture);
}

function pump() {
  while (working < AT_ONCE) {
    const [next] = wanted;
    if (!next) return;
    const [frame, picture] = next;
    wanted.delete(frame);
    if (!picture.file) {
      const { batchId, jobId, state } = picture;
      keep(picture, batchId && jobId && state !== "rejected" ? imageAddress(batchId, jobId) : null);
      show(frame, picture, made.get(picture) ?? null);
      continue;
    }
    working++;
    shrink(picture.file).then((small) => {
      working--;
      // Another card may have asked for the same picture meanwhile.
      if (!made.has(picture)) keep(picture, small && URL.createObjectURL(small));
      show(frame, picture, made.get(picture) ?? null);
      pump();
    });
  }
}

/** @param {Picture} picture @param {string | null} url */
function keep(picture, url) {
  made.set(picture, url);
  for (const [oldest] of made) {
    if (made.size <= KEPT) return;
    forgetThumbnail(oldest);
  }
}

/** @param {Element} frame @param {Picture} picture @param {string | null} url */
function show(frame, picture, url) {
  if (showing.get(frame) !== picture) return; // The frame has another picture by now.
  if (url === null) return frame.classList.add("without-preview");
  made.delete(picture);
  made.set(picture, url);
  const image = new Image();
  image.alt = ""; // The file name is next to the picture.
  image.decoding = "async";
  image.onerror = () => {
    if (!image.isConnected) return;
    image.remove();
    frame.classList.add("without-preview");
  };
  image.src = url;
  frame.querySelector("img")?.remove();
  frame.append(image);
}

/** @param {File} file @returns {Promise<Blob | null>} null if the browser cannot show the file */
async function shrink(file) {
  try {
    const picture = await createImageBitmap(file);
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
