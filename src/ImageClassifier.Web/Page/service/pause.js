// Pauses and back-off.

/**
 * Resolves after the time, or at once when the signal fires.
 * @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

/**
 * The back-off: half a second, doubled by each failure in a row, up to 15 s. Jitter spreads the retries of many pages.
 * @param {number} failures from 1 @returns {number} milliseconds
 */
export function backOff(failures) {
  const full = Math.min(15_000, 500 * 2 ** (failures - 1));
  return full * (0.5 + Math.random() / 2);
}
