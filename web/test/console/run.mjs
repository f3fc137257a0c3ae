// Looks at every story in a real browser: takes its picture and lets axe read
// it. Fails on any violation, console error or request to elsewhere.
//
//   node test/console/run.mjs [story...] [--quick] [--size=phone,desktop] [--lang=ar] [--theme=dark]

import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import axe from "axe-core";
import { chromium } from "playwright-core";

const dist = fileURLToPath(new URL("./dist/", import.meta.url));
const shots = fileURLToPath(new URL("./shots/", import.meta.url));
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html sotto-worker";

const names = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const quick = process.argv.includes("--quick");
const only = (flag, all) => {
  const found = process.argv.find((arg) => arg.startsWith(`--${flag}=`))?.split("=")[1];
  return found ? found.split(",") : all;
};
const viewports = { phone: [390, 844], tablet: [1024, 768], desktop: [1440, 900] };
const sizes = only("size", Object.keys(viewports));
const languages = only("lang", quick ? ["en"] : ["en", "ar"]);
const themes = only("theme", quick ? ["light"] : ["light", "dark"]);

const server = createServer((request, response) => {
  const path = join(dist, decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname).replace(/\/$/, "/index.html"));
  if (path.endsWith("favicon.ico")) {
    response.writeHead(204).end();
    return;
  }
  if (!path.startsWith(dist) || !existsSync(path)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream", "Content-Security-Policy": policy });
  createReadStream(path).pipe(response);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});
mkdirSync(shots, { recursive: true });
const { readFileSync } = await import("node:fs");
const source = readFileSync(fileURLToPath(new URL("./stories.ts", import.meta.url)), "utf8");
const body = source.slice(source.indexOf("export const stories"), source.indexOf("export function accountOf"));
const known = [...body.matchAll(/^ {2}"?([a-z-]+)"?: \{/gm)].map((m) => m[1]);

let faults = 0;
function fault(where, what) {
  faults++;
  console.log(`${where}: ${what}`);
}

for (const theme of themes) {
  for (const lang of languages) {
    for (const size of sizes) {
      const [width, height] = viewports[size];
      const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: "reduce", hasTouch: size === "phone", isMobile: size === "phone" });
      for (const story of names.length > 0 ? names : known) {
        const where = `${story} ${size} ${lang} ${theme}`;
        const page = await context.newPage();
        page.on("console", (message) => ["error", "warning"].includes(message.type()) && fault(where, message.text()));
        page.on("pageerror", (error) => fault(where, error.stack ?? error.message));
        page.on("request", (request) => !/^(blob|data):/.test(request.url()) && !request.url().startsWith(origin) && fault(where, `asks ${request.url()}`));
        try {
          await page.goto(`${origin}/?story=${story}&lang=${lang}`);
          await page.waitForSelector("html[data-ready]", { timeout: 15_000 });
          await page.screenshot({ path: join(shots, `${story}-${size}-${lang}-${theme}.png`) });
          if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) fault(where, "is wider than the screen");
          await page.evaluate(axe.source);
          const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
          for (const violation of found.violations) fault(where, `${violation.id}: ${violation.nodes.map((n) => `${n.target} ${n.any.map((a) => a.message)}`).slice(0, 3).join(" | ")}`);
        } catch (error) {
          fault(where, String(error).split("\n")[0]);
        }
        await page.close();
      }
      await context.close();
    }
  }
}
await browser.close();
server.close();
console.log(faults === 0 ? "No faults." : `${faults} faults.`);
process.exit(faults === 0 ? 0 : 1);
