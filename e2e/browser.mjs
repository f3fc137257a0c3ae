// A real Chromium, with what every story asks of every page: no console error,
// no CSP report, no request to an origin that is not ours, nothing for axe.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";
import { root } from "./server.mjs";

const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const artifacts = path.join(root, "e2e", "artifacts");

export const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
export const desktop = { viewport: { width: 1440, height: 900 } };

export async function launch(extra = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", ...extra,
    ],
  });
}

/** One person's browser: its own storage, and a record of what went wrong in it. */
export class Person {
  #allowedErrors = new Set();

  static async arrive(browser, { name, origins, ...context }) {
    const person = new Person();
    person.name = name;
    person.faults = [];
    person.context = await browser.newContext({ reducedMotion: "reduce", ...context });
    person.context.on("page", (page) => person.#watch(page, origins));
    // What service workers ask for is told of the context, and of no page.
    person.context.on("request", (request) => person.#asked(request.url(), origins));
    await person.context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`CSP report: ${event.effectiveDirective} refused ${event.blockedURI}`));
    });
    return person;
  }

  #watch(page, origins) {
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      if ([...this.#allowedErrors].some(({ pattern }) => pattern.test(message.text()))) return;
      this.faults.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => this.faults.push(`error: ${error.message}`));
    page.on("websocket", (socket) => this.#asked(socket.url(), origins));
  }

  #asked(address, origins) {
    const url = new URL(address);
    if (["blob:", "data:", "about:"].includes(url.protocol)) return;
    const origin = url.origin.replace(/^ws/, "http");
    if (!origins.includes(origin)) this.faults.push(`foreign request: ${url.origin}`);
  }

  /** Errors that the story causes itself, such as a network that is cut, until what it returns is called. */
  allow(pattern) {
    const allowed = { pattern };
    this.#allowedErrors.add(allowed);
    return () => this.#allowedErrors.delete(allowed);
  }

  async open(url) {
    const page = await this.context.newPage();
    await page.goto(url);
    return page;
  }

  assertClean() {
    assert.deepEqual(this.faults, [], `${this.name}'s browser`);
  }

  async leave() {
    await this.context.close();
  }
}

/** The frame of a page whose address holds a path, once it is there. */
export async function frameOf(page, path) {
  for (let tries = 0; tries < 400; tries++) {
    const frame = page.frames().find((each) => each.url().includes(path));
    if (frame) return frame;
    await page.waitForTimeout(50);
  }
  throw new Error(`no frame of ${path}`);
}

/**
 * Opens the chat from a clinic's page and returns its frame. The button is in
 * a closed shadow root, out of the page's reach and ours: it is pressed where
 * it is seen.
 */
export async function pressLauncher(page, path) {
  await page.waitForLoadState("load");
  const { width, height } = page.viewportSize();
  await page.mouse.click(width - 50, height - 50);
  return frameOf(page, path);
}

/** Saves what the page looks like; people look at these. */
export async function picture(page, name) {
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: path.join(artifacts, `${name}.png`) });
}

/** Fails if axe finds anything on the page or in a frame of it. */
export async function assertAccessible(page, where) {
  for (const frame of page.frames()) {
    if (frame.url() === "about:blank") continue;
    await frame.evaluate(axeSource);
    const found = await frame.evaluate(async () => {
      const result = await globalThis.axe.run(document, { resultTypes: ["violations"] });
      return result.violations.map((v) => `${v.id}: ${v.help} at ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
    });
    assert.deepEqual(found, [], `axe, ${where}`);
  }
}
