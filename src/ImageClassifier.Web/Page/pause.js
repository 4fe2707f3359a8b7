// Waiting, and how long to wait before trying again.

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
 * Doubles from half a second with each failure in a row, up to 15 s; jitter keeps many pages from coming back at once.
 * @param {number} failures from 1 @returns {number} milliseconds
 */
export function backOff(failures) {
  const full = Math.min(15_000, 500 * 2 ** (failures - 1));
  return full * (0.5 + Math.random() / 2);
}
