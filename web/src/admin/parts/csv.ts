// Lists as files for a spreadsheet (RFC 4180).

import { save } from "../../ui/files/received.ts";

// A spreadsheet would run a cell that begins so (OWASP, CSV injection).
const formula = /^[=+\-@\t\r]/;

function cell(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Offers text as a file. The mark at its start tells Excel that it is UTF-8. */
export function download(name: string, text: string): void {
  save(new Blob(["\uFEFF", text], { type: "text/csv;charset=utf-8" }), name);
}
