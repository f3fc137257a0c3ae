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

// Parts that a press brings, and few press (src/patient/fetched.ts), by their words.
/** @type {Record<string, { what: string, from: string, words?: string }>} */
const parts = {
  menu: { what: "who can read, the menu and its questions", from: "src/patient/parts/MenuSheets.svelte" },
  later: { what: "agreements, the list of files, rating", from: "src/patient/parts/LaterSheets.svelte" },
  identity: { what: "telling who one is", from: "src/patient/parts/IdentitySheet.svelte" },
  back: { what: "coming back with a passkey", from: "src/patient/parts/ReturnSheet.svelte", words: "identity" },
  seen: { what: "who saw my messages", from: "src/patient/parts/SeenSheet.svelte" },
  devices: { what: "devices that wrote as me", from: "src/patient/parts/DevicesSheet.svelte" },
  members: { what: "whether who reads is in the log", from: "src/patient/parts/Logged.svelte" },
  files: { what: "sending and seeing files", from: "src/patient/files.svelte.ts" },
  copy: { what: "a copy to keep", from: "src/patient/copy.ts" },
};
const fromParts = Object.values(parts).map(({ from }) => from);

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
    if (later) for (const next of chunk.dynamicImports ?? []) if (!next.includes("words/") && !fromParts.includes(next)) visit(next);
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

/**
 * The chunk that a page starts with.
 * @param {Record<string, any>} manifest
 * @param {string} page
 */
function startOf(manifest, page) {
  const html = readFileSync(dist + page, "utf8");
  const found = Object.keys(manifest).find((key) => html.includes(` src="/${manifest[key].file}"`));
  if (!found) throw new Error(`no chunk for ${page}`);
  return found;
}
const patientWords = catalogues(patient);
const largest = (/** @type {{ bytes: number }[]} */ words) => Math.max(0, ...words.map((each) => each.bytes));
const wordsFor = (/** @type {string} */ app) => largest(patientWords.filter(({ key }) => key.startsWith(`${app}/`)));

const first = needed(patient, startOf(patient, patientPage), false);
const all = needed(patient, startOf(patient, patientPage), true);
const staff = needed(console_, startOf(console_, "staff/index.html"), false);
const admin = manifestOf("admin");
const adminFirst = needed(admin, startOf(admin, "admin/index.html"), false);
const adminWords = catalogues(admin);
/** @param {{ key: string, bytes: number }[]} words @param {string[]} apps */
const loaded = (words, ...apps) => apps.reduce((total, app) => total + largest(words.filter(({ key }) => key.startsWith(`${app}/`))), 0);
const consoleWords = catalogues(console_);

// What a part brings that is not there yet, with its words.
const pressed = Object.entries(parts).map(([name, { what, from, words = name }]) => ({
  what,
  bytes: sum([...needed(patient, from, false)].filter((file) => !all.has(file))) + wordsFor(`patient.${words}`),
}));

const rows = [
  { what: "launcher", bytes: size("launcher.js"), most: 3 },
  // The page draws its shell from its own HTML and CSS; no script is waited for.
  { what: "patient chat before first paint", bytes: sum([patientPage, ...styles(first)]), most: 35 },
  { what: "patient chat before its first screen, with its words", bytes: sum(first) + wordsFor("patient"), most: 50 },
  // The worker's own script belongs to the core, which it starts.
  { what: "patient chat, all but the core and its worker", bytes: sum(all) + wordsFor("patient"), most: 75 },
  ...pressed.map(({ what, bytes }) => ({ what: `patient chat, when pressed for: ${what}`, bytes, most: 8 })),
  // Nobody loads all of it; no more all the same than the lightest peer's chat, which does not encrypt.
  { what: "patient chat with every part, all but the core and its worker", bytes: sum(all) + wordsFor("patient") + pressed.reduce((total, { bytes }) => total + bytes, 0), most: 130 },
  { what: "staff console, first load, with its words", bytes: sum(staff) + loaded(consoleWords, "staff", "console"), most: 160 },
  { what: "administrators' page, first load, with its words", bytes: sum(adminFirst) + loaded(adminWords, "staff", "admin"), most: 180 },
  ...[...patientWords, ...consoleWords, ...adminWords.filter(({ key }) => !key.startsWith("staff/"))].map(({ key, bytes }) => ({ what: `words ${key}`, bytes, most: 8 })),
];

// A part whose name is wrong would weigh nothing.
for (const from of fromParts) if (!patient[from]) throw new Error(`no chunk for ${from}`);

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
