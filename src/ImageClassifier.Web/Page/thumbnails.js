// Thumbnails of local files: made only near the screen, two at a time and small, so that a thousand photos are no load.

// What a card shows at most, twice over for dense screens; no side of a panorama gets longer than LONGEST.
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

/** Shows the file in the frame when the frame comes near the screen. @param {Element} frame @param {File} file */
export function showFile(frame, file) {
  files.set(frame, file);
  observer.observe(frame);
}

/** Shows a picture of the service in the frame. @param {Element} frame @param {string} url */
export function showUrl(frame, url) {
  const image = imageFor(url);
  image.loading = "lazy";
  image.onerror = () => {
    image.remove();
    showNone(frame);
  };
  frame.append(image);
}

/** Frees what the frame holds. @param {Element} frame */
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
  // The card may have been cleared in the meantime.
  if (files.get(frame) !== file) return;
  files.delete(frame);
  if (!small) return showNone(frame);
  const url = URL.createObjectURL(small);
  urls.set(frame, url);
  frame.append(imageFor(url));
}

/** @param {File} file @returns {Promise<Blob | null>} null when the browser cannot show it */
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
      // Transparent pictures are put on white, as the classifier does.
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
  image.alt = ""; // The file's name stands beside it.
  image.decoding = "async";
  image.src = url;
  return image;
}
