// Takes in pictures: chosen, dropped anywhere on the page (folders too), or pasted.

import { isPictureName } from "./look.js";

/**
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} onFiles called with the files in the user's order
 */
export function takeIn(input, onFiles) {
  const give = (/** @type {File[]} */ files) => files.length > 0 && onFiles(files);

  input.addEventListener("change", () => {
    give([...(input.files ?? [])]);
    input.value = ""; // Otherwise choosing the same file again would fire no change event.
  });

  document.addEventListener("paste", (event) => give([...(event.clipboardData?.files ?? [])]));

  // The event for entering a child comes before the one for leaving its parent. So a depth count shows when the pointer
  // has left the page.
  let depth = 0;
  const show = () => document.body.classList.toggle("dropping", depth > 0);
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth++;
    show();
  });
  addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(0, depth - 1);
    show();
  });
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", async (event) => {
    if (!carriesFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    depth = 0;
    show();
    give(await droppedFiles(event.dataTransfer));
  });
}

/** @param {DragEvent} event */
const carriesFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));

/** @param {DataTransfer} transfer @returns {Promise<File[]>} */
async function droppedFiles(transfer) {
  // The browser empties the transfer when the event ends, so everything is read from it before the first await.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const files = [];
  for (const { entry, file } of entries) {
    if (entry?.isDirectory) files.push(...(await filesUnder(/** @type {FileSystemDirectoryEntry} */ (entry))));
    else if (file) files.push(file);
  }
  return files;
}

/** The pictures in a folder. Other files in it are ignored. @param {FileSystemDirectoryEntry} folder */
async function filesUnder(folder) {
  /** @type {File[]} */
  const files = [];
  const reader = folder.createReader();
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const entries = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (entries.length === 0) return files;
    for (const entry of entries) {
      if (entry.isDirectory) files.push(...(await filesUnder(/** @type {FileSystemDirectoryEntry} */ (entry))));
      else if (isPictureName(entry.name)) files.push(...(await fileOf(/** @type {FileSystemFileEntry} */ (entry))));
    }
  }
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File[]>} empty if the file cannot be read */
const fileOf = (entry) => new Promise((resolve) => entry.file((file) => resolve([file]), () => resolve([])));
