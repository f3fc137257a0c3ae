// The chat inside a clinic's page: another origin, and another site.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, isDrawn, launch, Person, phone, picture, pressLauncher } from "./browser.mjs";
import { beginChat, patientSays, reaches, riverside, sees, signIn, staffSays, takeNext } from "./people.mjs";
import { Demo, withoutUpgrades } from "./server.mjs";

let demo, browser;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

/** Has pages of a browser count the tones that they play, and lets the story see what a launcher draws. */
function listenAndLook(context) {
  return context.addInitScript(() => {
    globalThis.tones = 0;
    const start = AudioScheduledSourceNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
      globalThis.tones++;
      return start.apply(this, when);
    };
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      globalThis.tones++;
      return play.call(this);
    };
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function (options) {
      return (globalThis.drawn = attach.call(this, options));
    };
  });
}

const tonesOf = (page) => page.evaluate(() => globalThis.tones);
const chime = 2; // tones of one sound
const offscreen = { polling: 100 }; // what is not shown draws no frames to look in between
const titleBegins = (page, begin) => page.waitForFunction((expected) => document.title.startsWith(expected), begin, offscreen);

test("what comes while nobody looks is counted in the title and on the button, and heard once", async () => {
  const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin, demo.clinic], ...desktop });
  const dana = await Person.arrive(browser, { name: "Dana", origins: [demo.origin], ...desktop });
  for (const { context } of [bo, dana]) await listenAndLook(context);
  const page = await bo.open(`${demo.clinic}/`);
  const chat = await pressLauncher(page, riverside);
  await beginChat(chat, { name: "Bo Lindqvist" });
  await patientSays(chat, "Is the clinic open today?");
  const nurse = await dana.open(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, "Is the clinic open today?");
  await staffSays(nurse, "It is.");
  await sees(chat, "It is.");
  const badge = () => page.evaluate(() => {
    const shown = globalThis.drawn.querySelector("button b");
    return shown.hidden ? "" : shown.textContent;
  });
  const title = await chat.evaluate(() => document.title);
  assert.equal(await badge(), "");
  assert.equal(await tonesOf(chat), 0, "who looks needs no sound");

  await pressLauncher(page, riverside); // closes it
  await staffSays(nurse, "Until six.");
  await titleBegins(chat, "(1) ");
  await page.waitForFunction(() => globalThis.drawn.querySelector("button b").textContent === "1");
  assert.equal(await badge(), "1");
  await chat.waitForFunction((count) => globalThis.tones === count, chime, offscreen);
  await picture(page, "22-unread");
  await pressLauncher(page, riverside);
  await sees(chat, "Until six.");
  await chat.waitForFunction((before) => document.title === before, title, offscreen);
  await page.waitForFunction(() => globalThis.drawn.querySelector("button b").hidden);

  const before = await tonesOf(nurse);
  await nurse.evaluate(() => (location.hash = "#/settings"));
  await nurse.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
  await patientSays(chat, "Thank you.");
  await titleBegins(nurse, "(1) ");
  await nurse.waitForFunction((count) => globalThis.tones === count, before + chime, offscreen);
  for (const person of [bo, dana]) {
    person.assertClean();
    await person.leave();
  }
});

test("they chat both ways where a proxy lets no WebSocket through", async () => {
  const proxy = await withoutUpgrades(demo.port);
  const people = [];
  for (const [name, size] of /** @type {const} */ ([["Bo", phone], ["Dana", desktop]])) people.push(await Person.arrive(browser, { name, origins: [proxy.origin], ...size }));
  const [bo, dana] = people;
  for (const person of people) person.allow(/WebSocket connection/);
  const chat = await bo.open(proxy.origin + riverside);
  await beginChat(chat, { name: "Bo Lindqvist" });
  await patientSays(chat, "Is my line too old?");
  const nurse = await dana.open(`${proxy.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, "Is my line too old?");
  await staffSays(nurse, "No, it works.");
  await sees(chat, "No, it works.");
  await patientSays(chat, "So it does.");
  await sees(nurse, "So it does.");
  await reaches(nurse, "No, it works.", "Read");
  assert.ok(proxy.refused() >= 2, "both asked for a WebSocket");
  for (const person of people) {
    person.assertClean();
    await person.leave();
  }
  proxy.end();
});

for (const [size, context] of Object.entries({ desktop, phone })) {
  test(`a patient chats from the clinic's page on a ${size}`, async () => {
    const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin, demo.clinic], ...context });
    const page = await bo.open(`${demo.clinic}/`);
    await page.getByRole("heading").first().waitFor();
    await picture(page, `20-clinic-${size}`);
    const chat = await pressLauncher(page, riverside);
    await beginChat(chat, { name: "Bo Lindqvist" });
    await patientSays(chat, "Can I move my visit?");
    await reaches(chat, "Can I move my visit?", "Sent");
    await picture(page, `21-frame-${size}`);
    assert.equal(await page.evaluate(() => document.cookie), "", "the clinic's page got a cookie");
    assert.equal(await page.evaluate(() => document.body.innerText.includes("Can I move")), false, "the clinic's page can read the chat");
    // On a phone the page behind is inert: it has no main part then, and no heading.
    const behind = { "landmark-one-main": { enabled: size !== "phone" }, "page-has-heading-one": { enabled: size !== "phone" } };
    await assertAccessible(page, `clinic page with the chat open, ${size}`, behind);
    bo.assertClean();
    await bo.leave();
  });
}

test("a chat that does not come is closed by the button, on a phone too", async () => {
  const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin, demo.clinic], ...phone });
  bo.allow(/ERR_CONNECTION_REFUSED|Failed to load resource|postMessage|chrome-error/);
  await listenAndLook(bo.context);
  const page = await bo.open(`${demo.clinic}/`);
  const button = () => page.evaluate(() => {
    const { hidden, ariaLabel } = globalThis.drawn.querySelector("button");
    return hidden ? "hidden" : ariaLabel;
  });
  const pressed = () => page.mouse.click(340, 794); // where pressLauncher does
  const overflow = () => page.evaluate(() => document.documentElement.style.overflow);
  const inert = () => page.evaluate(() => [...document.body.children].filter((each) => /** @type {any} */ (each).inert).map(({ tagName }) => tagName));
  await page.evaluate(() => document.querySelector("footer")?.toggleAttribute("inert")); // the page's own doing
  // Of the hub: the demo serves the clinic's page too, which is there already.
  await bo.context.route(`${demo.origin}/**`, (route) => route.abort("connectionrefused"));
  await isDrawn(page);
  const refused = page.waitForEvent("requestfailed");
  await pressed();
  await refused;
  await page.waitForTimeout(300); // what is in the frame then is the browser's own
  assert.equal(await button(), "Close chat");
  await picture(page, "21-frame-never-came");
  await pressed();
  assert.equal(await button(), "Chat with us");
  assert.equal(await overflow(), "", "the page's scroll is locked");
  assert.deepEqual(await inert(), ["FOOTER"]);
  await pressed();
  await page.keyboard.press("Escape");
  assert.equal(await button(), "Chat with us");

  // The next press asks for it anew, and one that comes has a button of its own.
  await bo.context.unroute(`${demo.origin}/**`);
  const chat = await pressLauncher(page, riverside);
  await chat.getByRole("button", { name: "Start a chat" }).waitFor();
  await page.waitForFunction(() => globalThis.drawn.querySelector("button").hidden);
  assert.deepEqual(await inert(), ["A", "ASIDE", "HEADER", "MAIN", "FOOTER"], "the page behind can be reached");
  await page.evaluate(() => document.body.append(document.createElement("section"))); // as a page's banner comes
  assert.deepEqual(await inert(), ["A", "ASIDE", "HEADER", "MAIN", "FOOTER", "SECTION"], "what the page adds can be reached");
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("aside"), { id: "cookies", style: "position:fixed;z-index:2147483647" }), document.createElement("dialog")));
  assert.deepEqual((await inert()).length, 6, "what lies above the chat cannot be answered");
  await page.evaluate(() => document.querySelectorAll("#cookies, body > dialog").forEach((each) => each.remove()));
  await page.setViewportSize({ width: 844, height: 390 }); // turned, it is beside the page
  await page.waitForFunction(() => document.documentElement.style.overflow === "");
  assert.deepEqual(await inert(), ["FOOTER"]);
  await page.setViewportSize(phone.viewport);
  await page.waitForFunction(() => document.documentElement.style.overflow === "hidden");
  await chat.getByRole("button", { name: "Close chat" }).click();
  await page.waitForFunction(() => !globalThis.drawn.querySelector("button").hidden);
  await page.evaluate(() => document.body.append(document.createElement("section")));
  assert.deepEqual(await inert(), ["FOOTER"]);

  // A page that puts other things in its place takes the chat off, and is as it was.
  await pressLauncher(page, riverside);
  await page.waitForFunction(() => globalThis.drawn.querySelector("button").hidden);
  await page.evaluate(() => document.body.replaceChildren(document.createElement("main")));
  await page.waitForFunction(() => document.documentElement.style.overflow === "");
  assert.deepEqual(await inert(), []);
  bo.assertClean();
  await bo.leave();
});

test("what is drawn on the button is seen on any colour that a clinic chooses", async () => {
  const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin, demo.clinic], ...phone });
  await listenAndLook(bo.context);
  for (const [color, drawn] of [["#ffe066", "rgb(8, 25, 27)"], ["#9ad0d3", "rgb(8, 25, 27)"], ["#0b6b6f", "rgb(255, 255, 255)"], ["#c2410c", "rgb(255, 255, 255)"]]) {
    const page = await bo.context.newPage();
    await page.addInitScript((chosen) => {
      new MutationObserver(() => document.querySelector("script[data-practice]")?.setAttribute("data-color", chosen)).observe(document, { subtree: true, childList: true });
    }, color);
    await page.goto(`${demo.clinic}/`);
    assert.equal(await page.evaluate(() => getComputedStyle(globalThis.drawn.querySelector("button")).color), drawn, color);
    await page.close();
  }
  bo.assertClean();
  await bo.leave();
});

test("who can read the chat is told in the frame without a network too", async () => {
  const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin, demo.clinic], ...phone });
  bo.allow(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|WebSocket connection|Failed to load resource/);
  const page = await bo.open(`${demo.clinic}/`);
  const chat = await pressLauncher(page, riverside);
  const brought = bo.context.waitForEvent("response", (response) => /\/MenuSheets-[\w-]+\.js$/.test(new URL(response.url()).pathname));
  await beginChat(chat, { name: "Bo Lindqvist" });
  await patientSays(chat, "Who reads this?");
  await reaches(chat, "Who reads this?", "Sent");
  await (await brought).finished(); // nobody has pressed
  // It is run, and its words are read: nothing more comes.
  await chat.waitForFunction(async () => {
    const count = performance.getEntriesByType("resource").length;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return performance.getEntriesByType("resource").length === count;
  });
  await bo.context.setOffline(true);
  await chat.getByRole("button", { name: "Who can read this chat?" }).click();
  await chat.getByRole("dialog").getByText("Bo Lindqvist").waitFor();
  bo.assertClean();
  await bo.leave();
});

test("T26: what watches the clinic's page sees nothing of the chat", async () => {
  const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin, demo.clinic], ...desktop });
  // As a session replay does: every event, message, change of the page and address that something was loaded from.
  await bo.context.addInitScript(() => {
    if (self !== top) return;
    globalThis.watched = [];
    const note = (what) => globalThis.watched.push(JSON.stringify(what) ?? "");
    for (const type of ["keydown", "keyup", "input", "beforeinput", "change", "click", "pointerdown", "copy", "focusin", "message"])
      addEventListener(type, (/** @type {any} */ { key, data, origin, target }) => note({ type, key, data, origin, text: target?.innerText, value: target?.value }), true);
    new MutationObserver(() => note(document.documentElement.outerHTML)).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    new PerformanceObserver((list) => list.getEntries().forEach(({ name }) => note(name))).observe({ type: "resource", buffered: true });
  });
  const asked = [];
  bo.context.on("request", (request) => {
    if (request.frame().parentFrame()) asked.push(request);
  });
  const page = await bo.open(`${demo.clinic}/`);
  const chat = await pressLauncher(page, riverside);
  await beginChat(chat, { name: "Bo Lindqvist" });
  await patientSays(chat, "My inhaler is empty.");
  await reaches(chat, "My inhaler is empty.", "Sent");
  const seen = (await page.evaluate(() => [...globalThis.watched, document.title, location.href, ...performance.getEntries().map(({ name }) => name)])).join("\n");
  assert.ok(seen.includes("pointerdown") && seen.includes(riverside), "it watches");
  for (const secret of ["inhaler", "Lindqvist", "Send", "keydown"]) assert.equal(seen.includes(secret), false, `it saw ${secret}`);
  assert.doesNotMatch(seen, /\b[cd]_[a-z0-9]{16,}/, "it saw the number of a chat or a device");
  assert.ok(asked.length > 0);
  for (const request of asked) {
    assert.equal(new URL(request.url()).origin, demo.origin);
    if (!request.isNavigationRequest()) assert.equal(request.headers().referer ?? "", "", "our pages say where they are");
  }
  bo.assertClean();
  await bo.leave();
});

test("a page that the practice has not listed cannot embed the chat", async () => {
  const person = await Person.arrive(browser, { name: "stranger", origins: [demo.origin, "http://stranger.localhost"], ...desktop });
  person.allow(/frame-ancestors|Refused to frame|Framing/);
  const page = await person.context.newPage();
  await page.route("http://stranger.localhost/", (route) =>
    route.fulfill({ contentType: "text/html", body: `<iframe src="${demo.origin}${riverside}?embed=1"></iframe>` }));
  await page.goto("http://stranger.localhost/");
  await page.waitForTimeout(1500);
  const shown = page.frames().some((frame) => frame.url().startsWith(demo.origin));
  assert.equal(shown, false, "the chat was shown in a stranger's page");
  person.assertClean();
  await person.leave();
});

for (const language of ["en", "ar"]) {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    test(`axe finds nothing on the first screens in ${language}, ${colorScheme}`, async () => {
      const person = await Person.arrive(browser, { name: "reader", origins: [demo.origin], ...phone, colorScheme, locale: language === "ar" ? "ar-EG" : "en-US" });
      const page = await person.open(demo.origin + riverside);
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.dir || "ltr"), language === "ar" ? "rtl" : "ltr");
      await assertAccessible(page, `welcome ${language} ${colorScheme}`);
      await picture(page, `30-welcome-${language}-${colorScheme}`);
      const staff = await person.open(`${demo.origin}/staff/`);
      await staff.getByRole("heading", { level: 1 }).first().waitFor();
      await assertAccessible(staff, `sign-in ${language} ${colorScheme}`);
      person.assertClean();
      await person.leave();
    });
  }
}

for (const [colorScheme, size] of /** @type {const} */ ([["light", phone], ["dark", desktop]])) {
  test(`axe finds nothing on the page of the API, ${colorScheme}`, async () => {
    const reader = await Person.arrive(browser, { name: "developer", origins: [demo.origin], ...size, colorScheme });
    const page = await reader.open(`${demo.origin}/docs/api`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await assertAccessible(page, `the API, ${colorScheme}`);
    await picture(page, `31-api-${colorScheme}`);
    reader.assertClean();
    await reader.leave();
  });
}
