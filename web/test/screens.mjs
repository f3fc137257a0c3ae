// Looks at every screen in a real browser, with a scripted core behind it: in
// every language, theme and size, in words two fifths longer, on the narrowest
// phone, with the reader's own colours and spacing. Takes a picture of each
// and fails on whatever axe finds, on clipped text, sideways scrolling, small
// targets, console errors, requests to elsewhere, and reports of the content
// security policy, which is the one the server sends.
//
//   node test/screens.mjs patient|console|admin [part of a story's name,...] [--look=part of a look's name,...]

import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { inspect, spaceOut } from "./inspect.mjs";
import { drawSheets } from "./sheets.mjs";

const app = process.argv[2];
if (app !== "patient" && app !== "console" && app !== "admin") throw new Error("which screens: patient, console or admin?");
const wanted = process.argv.slice(3).filter((arg) => !arg.startsWith("--")).flatMap((arg) => arg.split(","));
const wantedLooks = process.argv.filter((arg) => arg.startsWith("--look=")).flatMap((arg) => arg.slice(7).split(","));
const folder = { patient: "stories", console: "console", admin: "admin" }[app];
const here = fileURLToPath(new URL(`./${folder}/`, import.meta.url));
const shots = fileURLToPath(new URL(`../../e2e/artifacts/screens/${app}/`, import.meta.url));

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const tablet = { viewport: { width: 1024, height: 768 } };
const desktop = { viewport: app === "patient" ? { width: 1280, height: 800 } : { width: 1440, height: 900 } };
const small = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };

const looks = [];
for (const [size, device] of Object.entries({ phone, desktop }))
  for (const language of ["en", "ar"]) for (const theme of ["light", "dark"]) looks.push({ size, device, language, theme, axe: true });
looks.push(
  { size: "phone", device: phone, language: "es", theme: "light" },
  { size: "small", device: small, language: "en", theme: "light", axe: true },
  { size: "phone", device: phone, language: "en", theme: "light", stretched: true },
  { size: "phone", device: phone, language: "en", theme: "light", spaced: true },
  { size: "desktop", device: { ...desktop, forcedColors: "active" }, language: "en", theme: "dark", axe: true, forced: true },
);
if (app !== "patient") {
  looks.push(
    { size: "tablet", device: tablet, language: "es", theme: "light", axe: true },
    { size: "desktop", device: desktop, language: "en", theme: "light", stretched: true },
  );
}
// What CI looks at: every language and theme on a phone, both scripts at a desk,
// and each kind of stress once. SCREENS=all, the default elsewhere, is all.
const spared = process.env.CI === "true" && process.env.SCREENS !== "all" && wantedLooks.length === 0;
const seen = ({ size, language, theme, spaced, stretched, device }) =>
  !spared ||
  size === "small" ||
  (size === "phone" && language !== "es" && !spaced) ||
  (size === "desktop" && !stretched && (device.forcedColors === "active" || (language === "ar") === (theme === "dark")));
for (const look of looks) {
  look.name = [look.size, look.stretched ? "long" : look.language, look.forced ? "forced" : look.theme, look.spaced && "spaced"].filter(Boolean).join("-");
}

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types svelte-trusted-html sotto-worker",
].join("; ");

// Loaded by the page itself, from a cache that keeps it compiled. The page's
// policy admits it because it comes from the same place: no exception is made.
const axe = fileURLToPath(import.meta.resolve("axe-core/axe.min.js"));

/** Serves a built folder on a port of its own; a page with ?axe brings axe along. */
async function serve(dist) {
  const index = readFileSync(join(dist, app === "patient" ? "test/stories/index.html" : "index.html"), "utf8");
  const withAxe = index.replace("</head>", `<script src="/axe.js" defer></script></head>`);
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const headers = (file) => ({ "Content-Type": types[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": policy, "Cache-Control": "max-age=3600" });
    if (pathname === "/favicon.ico") return void response.writeHead(204).end();
    if (pathname === "/") return void response.writeHead(200, headers("index.html")).end(searchParams.has("axe") ? withAxe : index);
    const file = pathname === "/axe.js" ? axe : join(dist, decodeURIComponent(pathname));
    if ((file !== axe && !file.startsWith(dist)) || !existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, headers(file));
    createReadStream(file).pipe(response);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { address: `http://localhost:${server.address().port}`, close: () => server.close() };
}

const plain = await serve(join(here, "dist"));
const stretched = await serve(join(here, "dist-long"));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});

/** The names of all stories, as the page itself has them. */
async function storyNames() {
  const page = await browser.newPage();
  await page.goto(`${plain.address}/?story=`);
  const names = await page.waitForFunction(() => document.documentElement.dataset.stories);
  const all = (await names.jsonValue()).split(" ");
  await page.close();
  return all.filter((name) => wanted.length === 0 || wanted.some((part) => name.startsWith(part)));
}

const faults = [];
const fault = (where, what) => {
  faults.push(`${where}: ${what}`);
  console.log(faults.at(-1));
};

/** Looks at one story in one page. */
async function look(page, at, story, { name, language, theme, stretched: long, axe: axed, size, spaced, forced }) {
  const where = `${story} ${name}`;
  await page.goto(`${at}/?story=${story}&lang=${language}&theme=${theme}${axed ? "&axe" : ""}`);
  try {
    await page.waitForSelector("html[data-ready]", { timeout: 30_000, state: "attached" });
  } catch {
    fault(where, "did not get ready");
  }
  if (spaced) await page.evaluate(spaceOut);
  await page.screenshot({ path: join(shots, `${story}.${name}.jpg`), type: "jpeg", quality: 85 });
  const touched = app === "patient" && size !== "desktop" ? 44 : app !== "patient" ? 24 : 0;
  for (const found of await page.evaluate(inspect, { least: long || spaced ? 0 : touched })) fault(where, found);
  if (!axed) return;
  // With the reader's own colours, contrast is theirs.
  const rules = forced ? { "color-contrast": { enabled: false } } : {};
  const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), { resultTypes: ["violations"], rules });
  for (const { id, nodes } of violations) fault(where, `axe ${id}: ${nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`).join(" | ")}`);
}

/** One look at all stories, in a browser context of its own. */
async function goThrough(each, names) {
  const at = (each.stretched ? stretched : plain).address;
  const context = await browser.newContext({ colorScheme: each.theme, reducedMotion: "reduce", timezoneId: "America/New_York", ...each.device });
  const page = await context.newPage();
  let story = "";
  const here = () => `${story} ${each.name}`;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && fault(here(), `console: ${message.text()}`));
  page.on("pageerror", (error) => fault(here(), `error: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(at) && !/^(blob|data):/.test(request.url())) fault(here(), `asks elsewhere: ${request.url()}`);
  });
  for (story of names) {
    try {
      await look(page, at, story, each);
      // What one story keeps, such as that the console is locked, is not the next one's.
      await page.evaluate(() => localStorage.clear());
    } catch (error) {
      fault(here(), String(error).split("\n")[0]);
    }
  }
  await context.close();
}

const began = Date.now();
const names = await storyNames();
const some = looks.filter((look) => (wantedLooks.length === 0 ? seen(look) : wantedLooks.some((part) => look.name.includes(part))));
if (wanted.length === 0 && wantedLooks.length === 0) rmSync(shots, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });
// Most of the time a page waits, so twice as many as there are processors.
const waiting = [...some];
await Promise.all(
  Array.from({ length: 2 * availableParallelism() }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await goThrough(next, names);
  }),
);
await drawSheets(browser, shots, names, some.map(({ name }) => name));
await browser.close();
plain.close();
stretched.close();
console.log(`${app}: ${names.length} stories in ${some.length} looks, ${Math.round((Date.now() - began) / 1000)} s, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
