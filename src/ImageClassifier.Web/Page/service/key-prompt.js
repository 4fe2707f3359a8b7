// Asks for a key inside the page and not in a dialog over it: with a link to a batch one can read without a key.

import { tryKey } from "./api.js";

/** @typedef {import("./key.js").Lack} Lack */

const WORDS = {
  needed: "This service needs a key before it takes pictures.",
  wrong: "That key is wrong or no longer valid. Check it, or ask for another.",
  busy: "Too many keys were tried from here.",
  unreachable: "The service cannot be reached. Try again.",
};

/** Resolves with a key that the service accepts. @param {Lack} lack @returns {Promise<string>} */
export function askForKey(lack) {
  const form = /** @type {HTMLFormElement} */ (byId("key-form"));
  const input = /** @type {HTMLInputElement} */ (byId("key"));
  const button = /** @type {HTMLButtonElement} */ (byId("use-key"));

  const tell = (/** @type {string} */ text, /** @type {boolean} */ isBad) => {
    byId("key-text").textContent = text;
    form.classList.toggle("bad", isBad);
    input.setAttribute("aria-invalid", String(isBad));
  };

  return new Promise((resolve) => {
    const done = new AbortController();
    tell(WORDS[lack], lack === "wrong");
    document.body.classList.add("keyless");
    form.hidden = false;
    input.focus();

    form.addEventListener(
      "submit",
      async (event) => {
        event.preventDefault();
        const key = input.value.trim();
        if (key === "" || button.disabled) return input.focus();
        button.disabled = true;
        const answer = await tryKey(key);
        button.disabled = false;
        if (answer !== "right") {
          tell(answer.startsWith("in ") ? `${WORDS.busy} Try again ${answer}.` : WORDS[answer], true);
          return input.select();
        }
        done.abort();
        input.value = "";
        form.hidden = true;
        document.body.classList.remove("keyless");
        byId("files").focus();
        resolve(key);
      },
      { signal: done.signal },
    );
  });
}

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
