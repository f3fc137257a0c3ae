// Looks at every screen in a real browser, with a scripted core behind it: in
// every language, theme and size, in words two fifths longer, on the narrowest
// phone, with the reader's own colours and spacing. Takes a picture of each
// (in CI, of what has a fault) and fails on whatever axe finds, on clipped text, sideways scrolling, small
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
const small = { viewport: { width: 320, height: 640 } };
const sizes = { phone, desktop, small };

// A visit opens each story once; its looks follow one another on that page, as
// a page follows a theme, a size or the reader's colours without being opened
// again. Where only colours change, axe only looks at colours.
const light = { theme: "light", axe: "all" };
const dark = { theme: "dark", axe: "colours" };
const visits = {
  "phone-en": { device: phone, language: "en", looks: [light, dark, { theme: "light", size: "small", axe: "all" }] },
  "phone-ar": { device: phone, language: "ar", looks: [light, dark] },
  "phone-es": { device: phone, language: "es", looks: [{ theme: "light" }] },
  "phone-long": { device: phone, language: "en", long: true, looks: [{ theme: "light" }] },
  "phone-spaced": { device: phone, language: "en", looks: [{ theme: "light", spaced: true }] },
  "desktop-en": { device: desktop, language: "en", looks: [light, dark, { theme: "dark", forced: true, axe: "all" }] },
  "desktop-ar": { device: desktop, language: "ar", looks: [light, dark] },
  ...(app !== "patient" && {
    "tablet-es": { device: tablet, language: "es", looks: [{ theme: "light", axe: "all" }] },
    "desktop-long": { device: desktop, language: "en", long: true, looks: [{ theme: "light" }] },
  }),
};
// What CI looks at: every story on a phone and at a desk, in English and in
// Arabic, with axe: for all but colours in both sizes of both languages, for
// colours in both themes of both sizes. So every screen is seen in each language
// and each theme; colours do not change with the language, nor the rest with the
// theme. And on the narrowest phone, in the reader's colours, and half of the
// patient's in long words. A story is opened once a language and grows from phone to desk in
// one, and shrinks in the other, as opening it is what costs. SCREENS=all, the
// default elsewhere, opens each anew and looks for all.
const forCI = {
  "phone-en": { ...visits["phone-en"], looks: [light, dark, { theme: "dark", size: "desktop", axe: "structure" }, { theme: "light", size: "small" }] },
  "desktop-ar": {
    ...visits["desktop-ar"],
    looks: [{ theme: "dark", axe: "all" }, { theme: "light", axe: "colours" }, { theme: "dark", forced: true }, { theme: "light", size: "phone", axe: "structure" }],
  },
  ...(app === "patient" && { "phone-long": { ...visits["phone-long"], half: 1 } }),
};
const spared = process.env.CI === "true" && process.env.SCREENS !== "all" && wantedLooks.length === 0;

/** @param {string} visit @param {{ theme: string, size?: "phone" | "desktop" | "small", forced?: boolean, spaced?: boolean }} look */
const nameOf = (visit, { theme, size, forced }) => `${size ? `${size}-${visit.split("-")[1]}` : visit}-${forced ? "forced" : theme}`;
const some = Object.entries(spared ? forCI : visits).flatMap(([name, visit]) => {
  const chosen = visit.looks.map((look) => ({ ...look, name: nameOf(name, look) })).filter((look) => wantedLooks.length === 0 || wantedLooks.some((part) => look.name.includes(part)));
  return chosen.length > 0 ? [{ ...visit, looks: chosen }] : [];
});

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

const { address: at, close } = await serve(join(here, "dist"));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});

/** The names of all stories, as the page itself has them. */
async function storyNames() {
  const page = await browser.newPage();
  await page.goto(`${at}/?story=`);
  const names = await page.waitForFunction(() => document.documentElement.dataset.stories);
  const all = (await names.jsonValue()).split(" ");
  await page.close();
  return all.filter((name) => wanted.length === 0 || wanted.some((part) => name.startsWith(part)));
}

const faults = [];
const fault = (where, what) => {
  faults.push(`${where}: ${what}`);
  console.log(`not ok: ${faults.at(-1)}`);
};

/** Once a change of theme or size is drawn, and what it moved has come to rest. */
const drawn = () =>
  new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next))).then(() => Promise.all(document.getAnimations().filter((each) => each.effect?.getComputedTiming().endTime !== Infinity).map((each) => each.finished.catch(() => undefined))));

// Where only colours changed since axe looked at all of it, and where they did not.
const colours = ["color-contrast", "link-in-text-block"];
const noColours = Object.fromEntries(colours.map((rule) => [rule, { enabled: false }]));

/** Looks at one story in one page, in all looks of a visit. */
async function look(page, story, { device, language, long, looks }, noteLook) {
  const axed = looks.some((each) => each.axe);
  noteLook(looks[0].name);
  await page.emulateMedia({ colorScheme: looks[0].theme, forcedColors: looks[0].forced ? "active" : "none" });
  await page.setViewportSize(device.viewport);
  await page.goto(`${at}/?story=${story}&lang=${language}&theme=${looks[0].theme}${long ? "&long" : ""}${axed ? "&axe" : ""}`);
  try {
    await page.waitForSelector("html[data-ready]", { timeout: 30_000, state: "attached" });
  } catch {
    fault(`${story} ${looks[0].name}`, "did not get ready");
  }
  for (const [turn, { name, theme, axe, size, spaced, forced }] of looks.entries()) {
    const where = `${story} ${name}`;
    noteLook(name);
    if (turn > 0) {
      await page.emulateMedia({ colorScheme: theme, forcedColors: forced ? "active" : "none" });
      await page.evaluate((next) => document.documentElement.dataset.theme && (document.documentElement.dataset.theme = next), theme);
      if (size) await page.setViewportSize(sizes[size].viewport);
      await page.evaluate(drawn);
    }
    if (spaced) await page.evaluate(spaceOut);
    const seenOn = size ? sizes[size] : device;
    const touched = app !== "patient" ? 32 : seenOn === desktop ? 32 : 44;
    const found = await page.evaluate(inspect, { least: long || spaced ? 0 : touched });
    if (axe) {
      // With the reader's own colours, contrast is theirs. Without a look at all of it before, one at colours is not enough.
      const only = axe === "colours" && looks[0].axe === "all" && turn > 0 ? { runOnly: colours } : axe === "structure" || forced ? { rules: noColours } : {};
      const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), { resultTypes: ["violations"], preload: false, ...only });
      for (const { id, nodes } of violations) found.push(`axe ${id}: ${nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`).join(" | ")}`);
    }
    for (const each of found) fault(where, each);
    if (!spared || found.length > 0) await page.screenshot({ path: join(shots, `${story}.${name}.jpg`), type: "jpeg", quality: 85 });
  }
}

/** One visit of some stories, in a browser context of its own. */
async function goThrough(visit, names) {
  const context = await browser.newContext({ reducedMotion: "reduce", timezoneId: "America/New_York", ...visit.device });
  const page = await context.newPage();
  let story = "";
  let name = "";
  const here = () => `${story} ${name}`;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && fault(here(), `console: ${message.text()}`));
  page.on("pageerror", (error) => fault(here(), `error: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(at) && !/^(blob|data):/.test(request.url())) fault(here(), `asks elsewhere: ${request.url()}`);
  });
  for (story of names) {
    try {
      await look(page, story, visit, (next) => (name = next));
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
if (wanted.length === 0 && wantedLooks.length === 0) rmSync(shots, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });
// Most of the time a page waits, so twice as many as there are processors; a
// few stories at a time, so that all are done at about the same time. Not too
// few: a new context costs as much as two stories.
const aWalk = 24;
const waiting = some.flatMap((visit) => {
  const visited = names.filter((_, index) => visit.half === undefined || index % 2 === visit.half);
  return Array.from({ length: Math.ceil(visited.length / aWalk) }, (_, walk) => ({ visit, part: visited.slice(walk * aWalk, (walk + 1) * aWalk) }));
});
await Promise.all(
  Array.from({ length: 2 * availableParallelism() }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await goThrough(next.visit, next.part);
  }),
);
const allLooks = some.flatMap(({ looks }) => looks.map(({ name }) => name));
if (!spared) await drawSheets(browser, shots, names, allLooks);
await browser.close();
close();
console.log(`${app}: ${names.length} stories in ${allLooks.length} looks, ${Math.round((Date.now() - began) / 1000)} s, ${faults.length} faults`);
process.exit(faults.length ? 1 : 0);
