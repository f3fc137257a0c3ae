// Holds the built pages to the sizes of the design (gzip, as in most browsers'
// network panels; the server prefers brotli, which is smaller). The core has a
// budget of its own in build-core.mjs.

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const kilobyte = 1024;

/** @param {string} file */
const size = (file) => gzipSync(readFileSync(dist + file), { level: 9 }).length;

/** @param {string} app */
function manifestOf(app) {
  return JSON.parse(readFileSync(`${dist}.vite/${app}.json`, "utf8"));
}

// Fetched when a patient tells who they are, which most never do: it has a row of its own.
const sheet = "parts/IdentitySheet.svelte";
// And the sheets of agreements, files and rating.
const rare = "parts/later";

/**
 * The files that a chunk needs, and with "later" also those it may come to need.
 * @param {Record<string, any>} manifest
 * @param {string} start
 * @param {boolean} later
 */
function needed(manifest, start, later) {
  const files = new Set();
  const seen = new Set();
  const visit = (/** @type {string} */ key) => {
    const chunk = manifest[key];
    if (!chunk || seen.has(key)) return;
    seen.add(key);
    files.add(chunk.file);
    for (const css of chunk.css ?? []) files.add(css);
    for (const next of chunk.imports ?? []) visit(next);
    // Of the languages one loads; it is counted by itself.
    // What a press brings, and few press, is counted by itself too.
    if (later) for (const next of chunk.dynamicImports ?? []) if (!["words/", sheet, rare].some((apart) => next.includes(apart))) visit(next);
  };
  visit(start);
  return files;
}

/** @param {Set<string>} files */
const styles = (files) => [...files].filter((file) => file.endsWith(".css"));

const sum = (/** @type {Iterable<string>} */ files) => [...files].reduce((total, file) => total + size(file), 0);

/** @param {Record<string, any>} manifest */
function catalogues(manifest) {
  return Object.entries(manifest)
    .filter(([key]) => key.includes("words/"))
    .map(([key, chunk]) => ({ key: key.replace(/^.*words\//, ""), bytes: size(chunk.file) }));
}

const patient = manifestOf("patient");
const console_ = manifestOf("console");
const patientPage = "c/index.html";
const consolePage = "staff/index.html";
const patientWords = catalogues(patient);
const largest = (/** @type {{ bytes: number }[]} */ words) => Math.max(0, ...words.map((each) => each.bytes));

const first = needed(patient, patientPage, false);
const all = needed(patient, patientPage, true);
const staff = needed(console_, consolePage, false);
const admin = manifestOf("admin");
const adminFirst = needed(admin, "admin/index.html", false);
const adminWords = catalogues(admin);
/** @param {{ key: string, bytes: number }[]} words @param {string[]} apps */
const loaded = (words, ...apps) => apps.reduce((total, app) => total + largest(words.filter(({ key }) => key.startsWith(`${app}/`))), 0);
const consoleWords = catalogues(console_);

const rows = [
  { what: "launcher", bytes: size("launcher.js"), most: 3 },
  // The page draws its shell from its own HTML and CSS; no script is waited for.
  { what: "patient chat before first paint", bytes: sum([patientPage, ...styles(first)]), most: 35 },
  { what: "patient chat before its first screen, with its words", bytes: sum(first) + largest(patientWords), most: 52 },
  // The worker's own script belongs to the core, which it starts.
  { what: "patient chat, telling who one is", bytes: sum([...needed(patient, `src/patient/${sheet}`, false)].filter((file) => !all.has(file))), most: 8 },
  { what: "patient chat, all but the core and its worker", bytes: sum(all) + largest(patientWords), most: 83 },
  { what: "patient chat, sheets that few open", bytes: sum([...needed(patient, `src/patient/${rare}.ts`, false)].filter((file) => !all.has(file))), most: 8 },
  { what: "staff console, first load, with its words", bytes: sum(staff) + loaded(consoleWords, "staff", "console"), most: 160 },
  { what: "administrators' page, first load, with its words", bytes: sum(adminFirst) + loaded(adminWords, "staff", "admin"), most: 180 },
  ...[...patientWords, ...consoleWords, ...adminWords.filter(({ key }) => !key.startsWith("staff/"))].map(({ key, bytes }) => ({ what: `words ${key}`, bytes, most: 8 })),
];

let over = false;
for (const { what, bytes, most } of rows) {
  const bad = bytes > most * kilobyte;
  over ||= bad;
  console.log(`${bad ? "OVER" : "ok  "} ${(bytes / kilobyte).toFixed(1).padStart(6)} of ${String(most).padStart(3)} KB  ${what}`);
}
if (readdirSync(`${dist}assets`).some((file) => file.endsWith(".map"))) {
  console.log("OVER source maps are shipped");
  over = true;
}
rmSync(`${dist}.vite`, { recursive: true, force: true });
process.exit(over ? 1 : 0);
