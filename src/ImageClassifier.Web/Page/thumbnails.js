// Small thumbnails of local files. Only two are made at a time, and only near the screen, so that a thousand photos are
// no load.

// Twice the largest size on a card, for dense screens. No side of a panorama gets longer than LONGEST.
const WIDTH = 480;
const HEIGHT = 360;
const LONGEST = 960;
const AT_ONCE = 2;

/** @type {WeakMap<Element, File>} */
const files = new WeakMap();
/** @type {Set<Element>} */
const wanted = new Set();
/** @type {WeakMap<Element, string>} */
const urls = new WeakMap();
let working = 0;

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) wanted.add(target);
      else wanted.delete(target);
    }
    pump();
  },
  { rootMargin: "400px" },
);

/** Shows the file when the frame comes near the screen. @param {Element} frame @param {File} file */
export function showFile(frame, file) {
  files.set(frame, file);
  observer.observe(frame);
}

/** Shows a picture from the service. @param {Element} frame @param {string} url */
export function showUrl(frame, url) {
  const image = imageFor(url);
  image.loading = "lazy";
  image.onerror = () => {
    image.remove();
    showNone(frame);
  };
  frame.append(image);
}

/** Frees the frame's resources. @param {Element} frame */
export function release(frame) {
  observer.unobserve(frame);
  wanted.delete(frame);
  files.delete(frame);
  const url = urls.get(frame);
  if (url) URL.revokeObjectURL(url);
}

/** @param {Element} frame */
export function showNone(frame) {
  frame.classList.add("without-preview");
}

function pump() {
  while (working < AT_ONCE) {
    const [frame] = wanted;
    if (!frame) return;
    wanted.delete(frame);
    observer.unobserve(frame);
    working++;
    make(frame).finally(() => {
      working--;
      pump();
    });
  }
}

/** @param {Element} frame */
async function make(frame) {
  const file = files.get(frame);
  if (!file) return;
  const small = await shrink(file);
  // The user may have cleared the card meanwhile.
  if (files.get(frame) !== file) return;
  files.delete(frame);
  if (!small) return showNone(frame);
  const url = URL.createObjectURL(small);
  urls.set(frame, url);
  frame.append(imageFor(url));
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

/** @param {string} url */
function imageFor(url) {
  const image = new Image();
  image.alt = ""; // The file name is next to the picture.
  image.decoding = "async";
  image.src = url;
  return image;
}
