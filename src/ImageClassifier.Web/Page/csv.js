// Results as a CSV file (RFC 4180). Spreadsheets run nothing in it.

/** @typedef {{ fileName: string, label: string, probability: number | null, status: string, error: string }} Row */

const COLUMNS = /** @type {const} */ (["fileName", "label", "probability", "status", "error"]);

/** @param {Row[]} rows @returns {string} */
export function toCsv(rows) {
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(","));
  return [COLUMNS.join(","), ...lines, ""].join("\r\n");
}

/** @param {string | number | null} value */
function cell(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(Number(value.toFixed(6)));
  // Spreadsheets read such a cell as a formula, and anyone can choose a file name.
  const guarded = /^[\s]*[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n']|^\s|\s$/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** Downloads the text as a file. @param {string} text @param {string} fileName */
export function download(text, fileName) {
  // The byte order mark tells spreadsheets that the text is UTF-8.
  const url = URL.createObjectURL(new Blob(["\uFEFF", text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
