// The user's key: asked for once, kept for this tab's session, and sent with the calls that need it.

const STORED_AS = "image-classifier.key";

/** @typedef {"needed" | "wrong"} Lack why a key is asked for */

/** @type {string | null} */
let key = stored();
/** Resolves when the user has entered a key; null while no key is asked for. @type {Promise<void> | null} */
let asking = null;
/** Asks the user for a key that the service accepts. @type {(lack: Lack) => Promise<string>} */
let ask = () => new Promise(() => {});

/** @param {(lack: Lack) => Promise<string>} prompt asks the user */
export function askWith(prompt) {
  ask = prompt;
}

/** The key; null if there is none. */
export const currentKey = () => key;

/** The headers that carry a key. @param {string | null} sent @returns {Record<string, string>} */
export const keyHeaders = (sent) => (sent === null ? {} : { "X-Api-Key": sent });

/** Resolves when no key is being asked for. A call before that would be refused. */
export const keySettled = async () => asking ?? undefined;

/**
 * Resolves when there is a new key in place of a refused one. All waiting calls share one prompt.
 * @param {string | null} refused @returns {Promise<void>}
 */
export async function anotherKey(refused) {
  if (asking) return asking;
  if (key !== refused) return; // The user entered another key during the request.
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
    // Storage can be full or forbidden. The page still works, but asks again after a reload.
  }
}

function stored() {
  try {
    return sessionStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}
