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
  /** @type {string[]} */
  faults = [];

  /** @param {string} name @param {import("playwright-core").BrowserContext} context */
  constructor(name, context) {
    this.name = name;
    this.context = context;
  }

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {{ name: string, origins: string[] } & import("playwright-core").BrowserContextOptions} who
   */
  static async arrive(browser, { name, origins, ...context }) {
    const person = new Person(name, await browser.newContext({ reducedMotion: "reduce", ...context }));
    person.context.setDefaultTimeout(90_000); // other stories run beside this one
    person.context.on("page", (page) => person.#watch(page, origins));
    // What service workers ask for is told of the context, and of no page.
    person.context.on("request", (request) => person.#asked(request.url(), origins));
    await person.context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => console.error(`CSP report: ${event.effectiveDirective} refused ${event.blockedURI}`));
      // What the live regions say, for hears: each thing is there until the next is said.
      const said = (globalThis.said = []);
      new MutationObserver((changes) => {
        for (const { target, addedNodes } of changes) {
          if (target instanceof Element && target.closest("[aria-live]:not([aria-live=off])")) said.push(...[...addedNodes].map((node) => node.textContent));
        }
      }).observe(document, { subtree: true, childList: true });
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
  for (let tries = 0; tries < 1800; tries++) {
    const frame = page.frames().find((each) => each.url().includes(path));
    if (frame) return frame;
    await page.waitForTimeout(50);
  }
  throw new Error(`no frame of ${path}`);
}

/** A press before the page was first drawn is dropped by the browser. */
export async function isDrawn(page) {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/**
 * Opens the chat from a clinic's page and returns its frame. The button is in
 * a closed shadow root, out of the page's reach and ours: it is pressed where
 * it is seen.
 */
export async function pressLauncher(page, path) {
  await page.waitForLoadState("load");
  await isDrawn(page);
  const { width, height } = page.viewportSize();
  await page.mouse.click(width - 50, height - 50);
  return frameOf(page, path);
}

/** Waits until a live region of the page has said words. */
export async function hears(page, words) {
  let said = [];
  for (let tries = 0; tries < 1800; tries++) {
    said = await page.evaluate(() => globalThis.said);
    if (said.some((text) => text.includes(words))) return;
    await page.waitForTimeout(50);
  }
  assert.fail(`never said: ${words}, but: ${said.filter(Boolean).join(" | ")}`);
}

/** What has the focus, in the page or a frame of it, as it is told to who listens: its role and its name. */
export async function focused(page) {
  const client = await page.context().newCDPSession(page);
  const { frameTree } = await client.send("Page.getFrameTree");
  let found = "the page";
  for (const { frame } of [frameTree, ...(frameTree.childFrames ?? [])]) {
    const { nodes } = await client.send("Accessibility.getFullAXTree", { frameId: frame.id });
    const node = nodes.find(({ role, properties }) => !["RootWebArea", "Iframe"].includes(role?.value) && properties?.some(({ name, value }) => name === "focused" && value.value));
    if (node) found = `${node.role.value} ${node.name.value}`;
  }
  await client.detach();
  return found;
}

/** Waits until something has the focus, and fails if it is something else that keeps it. */
export async function hasFocus(page, what) {
  let found;
  for (let tries = 0; tries < 600 && found !== what; tries++) {
    if (tries > 0) await page.waitForTimeout(100);
    found = await focused(page);
  }
  assert.equal(found, what);
}

/** Presses Tab, or what else leads there, until something has the focus. */
export async function tabTo(page, what, key = "Tab") {
  const passed = [];
  while (passed.at(-1) !== what) {
    assert.ok(passed.length < 40, `${key} does not lead to ${what}, but past ${passed.join(", ")}`);
    await page.keyboard.press(key);
    passed.push(await focused(page));
  }
}

/** Saves what the page looks like; people look at these. */
export async function picture(page, name) {
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: path.join(artifacts, `${name}.png`) });
}

/** Fails if axe finds anything on the page or in a frame of it, by all rules but what rules says. */
export async function assertAccessible(page, where, rules = {}) {
  for (const frame of page.frames()) {
    if (frame.url() === "about:blank") continue;
    await frame.evaluate(axeSource);
    const found = await frame.evaluate(async (rules) => {
      const result = await globalThis.axe.run(document, { resultTypes: ["violations"], rules });
      return result.violations.map((v) => `${v.id}: ${v.help} at ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
    }, rules);
    assert.deepEqual(found, [], `axe, ${where}`);
  }
}
