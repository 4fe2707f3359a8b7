// A ZIP archive without compression, because pictures are compressed already (APPNOTE 6.3.10, without ZIP64).

const LARGEST = 0xffff_ffff;
const MOST_FILES = 0xffff;
const UTF8_NAMES = 0x0800;
const DOS_DATE = 0x0021; // 1 January 1980, so that the same pictures give the same archive.

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb8_8320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/**
 * @param {{ name: string, content: Blob }[]} files names with / between folders
 * @returns {Promise<Blob>} throws a RangeError if the archive gets too large
 */
export async function zipOf(files) {
  if (files.length > MOST_FILES) throw new RangeError("There are too many pictures for one archive.");
  /** @type {BlobPart[]} */
  const parts = [];
  /** @type {BlobPart[]} */
  const directory = [];
  let at = 0;
  let directorySize = 0;
  for (const { name, content } of files) {
    const nameBytes = new TextEncoder().encode(name);
    const crc = crcOf(new Uint8Array(await content.arrayBuffer()));
    const common = [20, UTF8_NAMES, 0, 0, DOS_DATE];
    const sizes = [crc, content.size, content.size];
    parts.push(record([0x0403_4b50], common, sizes, [nameBytes.length, 0]), nameBytes, content);
    directory.push(record([0x0201_4b50], [20, ...common], sizes, [nameBytes.length, 0, 0, 0, 0], [0, at]), nameBytes);
    directorySize += 46 + nameBytes.length;
    at += 30 + nameBytes.length + content.size;
    if (at > LARGEST) throw new RangeError("The pictures are too large for one archive. Filter them, and export parts.");
  }
  const end = record([0x0605_4b50], [0, 0, files.length, files.length], [directorySize, at], [0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** Numbers of four and of two bytes in turn, beginning with four. @param {number[][]} groups */
function record(...groups) {
  const bytes = groups.flatMap((numbers, group) => {
    const width = group % 2 === 0 ? 4 : 2;
    return numbers.flatMap((number) => Array.from({ length: width }, (_, index) => (number >>> (8 * index)) & 0xff));
  });
  return new Uint8Array(bytes);
}

/** @param {Uint8Array} bytes */
function crcOf(bytes) {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffff_ffff) >>> 0;
}
