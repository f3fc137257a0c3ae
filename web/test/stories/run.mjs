// Takes a picture of every story in every size, language and theme, lets axe
// look at each, and fails on what it finds, on any console error and on any
// report of the content security policy, which is the one the server sends.
//
//   node test/stories/run.mjs [part of a story's name]

import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import axe from "axe-core";
import { chromium } from "playwright-core";

const here = fileURLToPath(new URL(".", import.meta.url));
const shots = join(here, "shots");
const wanted = process.argv[2] ?? "";
const names = [...readFileSync(join(here, "stories.ts"), "utf8").matchAll(/^ {2}"([\w-]+)": \{/gm)]
  .map(([, name]) => name)
  .filter((name) => wanted.split(",").some((part) => name.startsWith(part)));
const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const languages = (process.env.STORY_LANGUAGES ?? "en,ar").split(",");
const themes = (process.env.STORY_THEMES ?? "light,dark").split(",");

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

const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const file = join(here, "dist", path === "/" ? "test/stories/index.html" : path);
  if (!file.startsWith(join(here, "dist")) || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "Content-Type": types[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": policy });
  createReadStream(file).pipe(response);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const address = `http://localhost:${server.address().port}`;

if (!wanted) rmSync(shots, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});
let faults = 0;
const fault = (where, what) => {
  faults++;
  console.log(`${where}: ${what}`);
};

for (const [size, viewport] of Object.entries(sizes)) {
  // axe is put in from outside the page, past its policy; the page itself gets no exception.
  const context = await browser.newContext({ viewport, hasTouch: size === "phone", reducedMotion: "reduce", timezoneId: "America/New_York" });
  const page = await context.newPage();
  let where = "";
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") fault(where, `console: ${message.text()}`);
  });
  page.on("pageerror", (error) => fault(where, `error: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith("blob:")) fault(where, `asks elsewhere: ${request.url()}`);
  });
  for (const name of names)
    for (const language of languages)
      for (const theme of themes) {
        where = `${name} ${size} ${language} ${theme}`;
        await page.goto(`${address}/?story=${name}&lang=${language}&theme=${theme}`);
        try {
          await page.waitForSelector("html[data-ready]", { timeout: 10_000, state: "attached" });
        } catch {
          fault(where, "did not get ready");
        }
        await page.screenshot({ path: join(shots, `${name}.${size}.${language}.${theme}.png`) });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) fault(where, `scrolls sideways by ${wide} px`);
        if (size === "phone") {
          const small = await page.evaluate(() =>
            [...document.querySelectorAll("button, a[href], summary, select, label.chip")]
              .filter((each) => each.checkVisibility() && !each.closest("[aria-hidden=true]"))
              .map((each) => ({ name: each.getAttribute("aria-label") ?? each.textContent?.trim(), box: each.getBoundingClientRect() }))
              .filter(({ box }) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
              .map(({ name, box }) => `${name} ${Math.round(box.width)}x${Math.round(box.height)}`),
          );
          if (small.length > 0) fault(where, `too small to touch: ${small.join(", ")}`);
        }
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        for (const { id, nodes } of violations) fault(where, `axe ${id}: ${nodes.map((node) => `${node.target.join(" ")} ${node.failureSummary?.split("\n")[1]?.trim() ?? ""}`).join(" | ")}`);
      }
  await context.close();
}
await browser.close();
server.close();
console.log(`${names.length} stories, ${faults} faults`);
process.exit(faults ? 1 : 0);
