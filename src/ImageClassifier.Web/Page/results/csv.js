// A table as CSV (RFC 4180). Spreadsheets run nothing in it.

/** @typedef {Record<string, string | number | null>} Row */

/** @param {readonly string[]} columns @param {Row[]} rows @returns {string} */
export function toCsv(columns, rows) {
  const lines = rows.map((row) => columns.map((column) => cell(row[column])).join(","));
  // The byte order mark tells spreadsheets that the text is UTF-8.
  return "\uFEFF" + [columns.join(","), ...lines, ""].join("\r\n");
}

/** @param {string | number | null} value */
function cell(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(Number(value.toFixed(6)));
  // Spreadsheets read such a cell as a formula, and anyone can choose a file name.
  const guarded = /^[\s]*[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n']|^\s|\s$/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
