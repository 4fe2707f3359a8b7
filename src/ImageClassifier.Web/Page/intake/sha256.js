// SHA-256 (FIPS 180-4), for pages on plain HTTP: there browsers have no crypto.subtle.

/** @type {number[]} */
const PRIMES = [];
for (let number = 2; PRIMES.length < 64; number++) {
  if (PRIMES.every((prime) => number % prime !== 0)) PRIMES.push(number);
}

/** The first 32 bits after the point. @param {number} number */
const fraction = (number) => (number % 1) * 2 ** 32;
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const ROUNDS = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));

/** The hash in hexadecimal. @param {ArrayBuffer} bytes */
export function sha256(bytes) {
  const hash = Uint32Array.from(START);
  const whole = bytes.byteLength - (bytes.byteLength % 64);
  mix(hash, new DataView(bytes, 0, whole));

  // The last bytes, a one bit, zeros, and the length in bits.
  const rest = new Uint8Array(bytes, whole);
  const end = new Uint8Array(rest.length < 56 ? 64 : 128);
  end.set(rest);
  end[rest.length] = 0x80;
  const view = new DataView(end.buffer);
  view.setBigUint64(end.length - 8, BigInt(bytes.byteLength) * 8n);
  mix(hash, view);
  return Array.from(hash, (word) => word.toString(16).padStart(8, "0")).join("");
}

/** Mixes blocks of 64 bytes into the hash. @param {Uint32Array} hash @param {DataView} blocks */
function mix(hash, blocks) {
  const words = new Uint32Array(64);
  for (let at = 0; at < blocks.byteLength; at += 64) {
    for (let i = 0; i < 16; i++) words[i] = blocks.getUint32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const [near, far] = [words[i - 2], words[i - 15]];
      const sigma0 = rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3);
      const sigma1 = rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10);
      words[i] = words[i - 16] + sigma0 + words[i - 7] + sigma1;
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let i = 0; i < 64; i++) {
      const choice = (e & f) ^ (~e & g);
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const first = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + ROUNDS[i] + words[i]) | 0;
      const second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority;
      [h, g, f, e] = [g, f, e, (d + first) | 0];
      [d, c, b, a] = [c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (hash[i] += word));
  }
}

/** @param {number} word @param {number} by */
const rotate = (word, by) => (word >>> by) | (word << (32 - by));
