// Tells what a file is by its first bytes, so that files the service cannot use are named before they are sent. The
// sentences are those of the service, which looks at each file again.

/** How many first bytes of a file are needed. */
export const HEAD_LENGTH = 1024;

/** @typedef {{ name: string, format?: "JPEG" | "PNG" | "WebP", remedy?: string }} FileKind */

const UNPACK = "Unpack it and send the pictures in it.";

/** @type {[(head: string) => boolean, FileKind][]} */
const KINDS = [
  [starts("\xFF\xD8\xFF"), { name: "a JPEG picture", format: "JPEG" }],
  [starts("\x89PNG\r\n\x1A\n"), { name: "a PNG picture", format: "PNG" }],
  [riff("WEBP"), { name: "a WebP picture", format: "WebP" }],
  [brand("heic", "heix", "heim", "heis", "hevc", "hevx"), { name: "a HEIC picture" }],
  [brand("avif", "avis"), { name: "an AVIF picture" }],
  [brand("mif1", "msf1", "heif"), { name: "a HEIF picture" }],
  [starts("GIF8"), { name: "a GIF picture" }],
  [(head) => head.startsWith("BM") && head.slice(6, 10) === "\0\0\0\0", { name: "a BMP picture" }],
  [starts("II*\0", "MM\0*", "II+\0", "MM\0+"), { name: "a TIFF picture" }],
  [starts("\xFF\x0A", "\0\0\0\x0CJXL \r\n\x87\n"), { name: "a JPEG XL picture" }],
  [starts("\xFFO\xFFQ", "\0\0\0\x0CjP  \r\n\x87\n"), { name: "a JPEG 2000 picture" }],
  [starts("8BPS"), { name: "a Photoshop picture" }],
  [brand("crx "), { name: "a camera's raw picture" }],
  [starts("%PDF-"), { name: "a PDF document", remedy: "Export its pages as pictures and send those." }],
  [
    (head) => ["ftyp", "moov", "mdat", "wide"].includes(head.slice(4, 8)) || riff("AVI ")(head) || starts("\x1AE\xDF\xA3")(head),
    { name: "a video", remedy: "Send single pictures of it." },
  ],
  [starts("PK\x03\x04", "PK\x05\x06"), { name: "a ZIP archive", remedy: UNPACK }],
];

/** The kind of a file by its first bytes; undefined if only the service may know. @param {Uint8Array} head */
export function kindOf(head) {
  const text = String.fromCharCode(...head.subarray(0, HEAD_LENGTH));
  return KINDS.find(([fits]) => fits(text))?.[1];
}

/**
 * Why a file of this kind is not sent; empty if the service takes it.
 * @param {FileKind} kind
 * @param {string | undefined} formats what the service takes, as `JPEG or PNG`; undefined if it is unknown
 */
export function refusalOf({ name, format, remedy }, formats) {
  if (format && (formats === undefined || formats.includes(format))) return "";
  return `The file is ${name}. ${remedy ?? `Export it as ${formats ?? "JPEG or PNG"}.`}`;
}

/** @param {string[]} texts */
function starts(...texts) {
  return (/** @type {string} */ head) => texts.some((text) => head.startsWith(text));
}

/** @param {string} form */
function riff(form) {
  return (/** @type {string} */ head) => head.startsWith("RIFF") && head.slice(8, 12) === form;
}

/** A file in the ISO base media format (ISO/IEC 14496-12) with one of these brands. @param {string[]} brands */
function brand(...brands) {
  return (/** @type {string} */ head) => {
    if (head.slice(4, 8) !== "ftyp") return false;
    const major = head.slice(8, 12);
    if (brands.includes(major)) return true;
    if (!["mif1", "msf1", "heif"].includes(major)) return false;
    // These brands mean any picture. Its coding is among the compatible brands.
    const end = head.charCodeAt(2) * 256 + head.charCodeAt(3);
    for (let at = 16; at + 4 <= Math.min(end, head.length); at += 4) if (brands.includes(head.slice(at, at + 4))) return true;
    return false;
  };
}
