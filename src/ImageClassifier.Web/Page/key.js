// The key that the service may ask for: kept for this tab's session, sent with what needs it, asked for once.

const STORED_AS = "image-classifier.key";

/** @typedef {"needed" | "wrong"} Lack why a key is asked for */

/** @type {string | null} */
let key = stored();
/** Set while a key is asked for: resolves when there is one. @type {Promise<void> | null} */
let asking = null;
/** Asks the user for a key that the service takes. @type {(lack: Lack) => Promise<string>} */
let ask = () => new Promise(() => {});

/** @param {(lack: Lack) => Promise<string>} prompt how the user is asked */
export function askWith(prompt) {
  ask = prompt;
}

/** The key to send, if there is one. */
export const currentKey = () => key;

/** The headers that carry a key. @param {string | null} sent @returns {Record<string, string>} */
export const keyHeaders = (sent) => (sent === null ? {} : { "X-Api-Key": sent });

/** Resolves when nobody is being asked for a key: what is sent before that would be refused. */
export const keySettled = async () => asking ?? undefined;

/**
 * Resolves when there is another key than the one that was refused. All who wait are waiting for the same question.
 * @param {string | null} refused @returns {Promise<void>}
 */
export async function anotherKey(refused) {
  if (asking) return asking;
  if (key !== refused) return; // It was replaced while the request was under way.
  asking = ask(refused === null ? "needed" : "wrong").then((given) => {
    key = given;
    asking = null;
    remember(given);
  });
  return asking;
}

/** @param {string} given */
function remember(given) {
  try {
    sessionStorage.setItem(STORED_AS, given);
  } catch {
    // Storage may be full or forbidden; the page then works, and only a reload asks again.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}
