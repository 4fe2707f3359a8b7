// How pictures come in: chosen, dropped anywhere (folders too), or pasted.

/**
 * @param {HTMLInputElement} input
 * @param {(files: File[]) => void} onFiles called with files in the order in which the user gave them
 */
export function takeIn(input, onFiles) {
  const give = (/** @type {File[]} */ files) => files.length > 0 && onFiles(files);

  input.addEventListener("change", () => {
    give([...(input.files ?? [])]);
    input.value = ""; // So that choosing the same file again is a change.
  });

  document.addEventListener("paste", (event) => give([...(event.clipboardData?.files ?? [])]));

  // Entering a child fires before leaving its parent, so the depth tells when the pointer has left the page.
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
  // The transfer is emptied when the event ends: take everything out of it before the first wait.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const files = [];
  for (const { entry, file } of entries) {
    if (entry?.isDirectory) files.push(...(await filesUnder(/** @type {FileSystemDirectoryEntry} */ (entry))));
    else if (file) files.push(file);
  }
  return files;
}

/** The pictures of a folder; what else lies in it was not meant. @param {FileSystemDirectoryEntry} folder */
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

/** @param {FileSystemFileEntry} entry @returns {Promise<File[]>} none when it cannot be read */
const fileOf = (entry) => new Promise((resolve) => entry.file((file) => resolve([file]), () => resolve([])));

/** How many of a file's first bytes tell the service what it is. */
const HEAD_LENGTH = 1024;

/** Whether a name ends as a picture's does that the service can be set to take. @param {string} name */
const isPictureName = (name) => /\.(jpe?g|jfif|jpe|jif|pjp|pjpeg|png|webp)$/i.test(name);

/** Whether the service refuses the file by its name, whatever is in it. @param {File} file */
export const isRefusedByName = ({ name }) => /\.[a-z0-9]+$/i.test(name) && !isPictureName(name);

/**
 * What is sent of a file. Of one that is refused by its name it is the beginning: it lets the service say what the file
 * is, and the rest of a film need not travel for that.
 * @param {File} file
 */
export const whatToSend = (file) =>
  isRefusedByName(file) ? new File([file.slice(0, HEAD_LENGTH)], file.name, { type: file.type }) : file;
