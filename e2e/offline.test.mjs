// The chat without a network: the shell opens from what the service worker
// keeps, and what it keeps is the shell and nothing else.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, phone, picture } from "./browser.mjs";
import { beginChat, patientBox, patientSays, reaches, riverside, sees, signIn, staffSays, takeNext, texts } from "./people.mjs";
import { photoWithPlace } from "./photo.mjs";
import { Demo } from "./server.mjs";

let demo, browser, ana, page;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  ana = await Person.arrive(browser, { name: "Ana", origins: [demo.origin], ...phone });
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

/** All that the page's origin keeps in IndexedDB, by its keys; of bytes as text. */
const held = (tab) => tab.evaluate(async () => {
  const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name));
    for (const each of db.objectStoreNames) {
      const store = db.transaction(each).objectStore(each);
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
      found.push(...keys.map((key, i) => ({ key: String(key), text: values[i] instanceof Uint8Array ? new TextDecoder("latin1").decode(values[i]) : "" })));
    }
    db.close();
  }
  return found;
});

test("what was sent before the core is there outlives the page and the tab, and goes out once", async () => {
  const ben = await Person.arrive(browser, { name: "Ben", origins: [demo.origin], ...desktop });
  let bring = () => {};
  const slow = new Promise((resolve) => (bring = () => resolve()));
  await ben.context.route("**/core/*.wasm", (route) => slow.then(() => route.continue().catch(() => undefined))); // its tab may be gone
  let tab = await ben.open(demo.origin + riverside);
  await beginChat(tab, { name: "Ben Okafor" });
  await patientSays(tab, "My tooth hurts.");
  await reaches(tab, "My tooth hurts.", "Sending");
  await tab.reload();
  await reaches(tab, "My tooth hurts.", "Sending");
  await patientSays(tab, "The left one.");
  await patientBox(tab).fill("since Su");
  await reaches(tab, "The left one.", "Sending");
  let kept = await held(tab);
  // Two keys, the chat, two messages, and a moment after the last key the draft.
  for (let tries = 0; kept.length < 6 && tries < 300; tries++) {
    await tab.waitForTimeout(100);
    kept = await held(tab);
  }
  assert.equal(kept.length, 6, "it is kept");
  assert.doesNotMatch(kept.map(({ text }) => text).join(), /tooth|left|since|Okafor/, "it is kept in the open");
  const client = await ben.context.newCDPSession(tab);
  void client.send("Page.crash").catch(() => undefined);
  await tab.waitForEvent("crash");
  await tab.close();

  tab = await ben.open(demo.origin + riverside);
  for (const text of ["My tooth hurts.", "The left one."]) await reaches(tab, text, "Sending");
  bring();
  await reaches(tab, "The left one.", "Sent"); // the last of the two says it
  await tab.reload();
  await sees(tab, "The left one.");
  assert.deepEqual(await texts(tab), ["My tooth hurts.", "The left one."]);
  await tab.waitForFunction((box) => box.value === "since Su", await patientBox(tab).elementHandle()); // it comes after the lines
  await ben.leave();
});

test("a page whose words do not come says so in words of its own, and is tried again", async () => {
  const eve = await Person.arrive(browser, { name: "Eve", origins: [demo.origin], ...phone });
  eve.allow(/ERR_FAILED|Failed to load resource/);
  for (const [path, come] of /** @type {const} */ ([[riverside, { name: "Start a chat" }], ["/staff/", { name: "Next" }]])) {
    await eve.context.route(/\/assets\/en-[\w-]+\.js$/, (route) => route.abort());
    const tab = await eve.open(demo.origin + path);
    for (const title of ["We cannot reach the clinic now", "No podemos conectar con la clínica ahora"]) await tab.getByRole("heading", { name: title }).waitFor();
    await assertAccessible(tab, `no words, ${path}`);
    await picture(tab, `21-no-words${path.replaceAll("/", "-")}`);
    await eve.context.unrouteAll();
    await tab.getByRole("button", { name: "Try again" }).click();
    await tab.getByRole("button", come).waitFor();
    assert.equal(await tab.getByText("We cannot reach the clinic now").isVisible(), false);
    await tab.close();
  }
  eve.assertClean();
  await eve.leave();
});

/** Every address in Cache Storage, by cache. */
const cached = () =>
  page.evaluate(async () => {
    const all = {};
    for (const name of await caches.keys()) all[name] = (await (await caches.open(name)).keys()).map((request) => request.url);
    return all;
  });

test("after a chat the cache holds hashed static files and nothing else (T29e)", async () => {
  page = await ana.open(demo.origin + riverside);
  assert.deepEqual(await page.evaluate(() => navigator.serviceWorker.getRegistrations().then((all) => all.length)), 0, "nothing is kept before there is a chat");
  await beginChat(page, { name: "Ana Parker" });
  await patientSays(page, "My knee hurts since Monday.");
  await reaches(page, "My knee hurts since Monday.", "Sent");
  await page.locator("input[type=file]").first().setInputFiles(await photoWithPlace(page, "knee.jpg"));
  await page.getByRole("button", { name: /^Send file/ }).click();
  await page.getByRole("button", { name: "Open photo knee.jpg" }).waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.reload();
  await sees(page, "My knee hurts since Monday.");

  const caches = await cached();
  assert.equal(Object.keys(caches).length, 1, "one release is kept");
  const paths = Object.values(caches).flat().map((url) => new URL(url).pathname);
  const hashed = /^\/(assets\/[\w.-]+-[\w-]{8,}\.(js|css|svg|png|html)|core\/[0-9a-f]{64}\.wasm)$/;
  assert.deepEqual(paths.filter((path) => !hashed.test(path)), []);
  assert.equal(paths.filter((path) => path.startsWith("/core/")).length, 1);
  assert.ok(paths.length > 10);
});

test("the chat opens without a network, with what was said and what waits", async () => {
  ana.allow(/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|WebSocket connection|Failed to load resource/);
  await demo.program.stop();
  await ana.context.setOffline(true);
  await patientSays(page, "typed without a line");
  await patientBox(page).fill("half a th");
  await reaches(page, "typed without a line", /Sending|Will send/); // said once it is kept
  // The draft is kept a moment after the last key.
  for (let tries = 0; !(await held(page)).some(({ key }) => key.startsWith("d/")) && tries < 300; tries++) await page.waitForTimeout(100);
  await page.reload();
  await sees(page, "My knee hurts since Monday.");
  await sees(page, "typed without a line");
  assert.equal(await patientBox(page).inputValue(), "half a th");
  await picture(page, "20-offline-shell");
  const fresh = await ana.open(demo.origin + riverside);
  await fresh.getByRole("button", { name: "Continue my chat" }).or(patientBox(fresh)).first().waitFor();
  await fresh.close();
});

test("it goes out by itself when the network is back", async () => {
  demo.program.start();
  await demo.ready();
  await ana.context.setOffline(false);
  page.setDefaultTimeout(120_000);
  await reaches(page, "typed without a line", "Sent");
});

test("to remove the chat from the device removes the shell too", async () => {
  await page.getByRole("button", { name: "More choices" }).click();
  await page.getByRole("button", { name: "Remove this chat from this device" }).click();
  await page.getByRole("button", { name: "Remove it" }).click();
  await page.getByRole("heading", { name: "Riverside Family Clinic" }).waitFor();
  await page.waitForFunction(async () => (await caches.keys()).length === 0);
});

test("nothing was refused, reported or asked of others", () => ana.assertClean());

test("on a device of others nothing is kept", async () => {
  const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin], ...phone });
  page = await bo.open(demo.origin + riverside);
  await beginChat(page, { name: "Bo", own: false });
  await patientSays(page, "Is my letter ready?");
  await reaches(page, "Is my letter ready?", "Sent");
  assert.deepEqual(await cached(), {});
  assert.equal(await page.evaluate(() => navigator.serviceWorker.getRegistrations().then((all) => all.length)), 0);
  bo.assertClean();
  await bo.leave();
});

/** Stops all programs of a browser, as a laptop does that is closed, and lets them go on. */
async function lid(laptop) {
  const client = await laptop.newBrowserCDPSession();
  const { processInfo } = await client.send("SystemInfo.getProcessInfo");
  const group = -processInfo.find(({ type }) => type === "browser").id; // it leads its group
  return { close: () => process.kill(group, "SIGSTOP"), open: () => process.kill(group, "SIGCONT") };
}

test("a laptop is closed in the middle of a chat, and nothing is lost, doubled or out of order", async () => {
  const clinic = await Demo.start(); // where no chat of another story waits longer
  const laptop = await launch();
  const { close, open } = await lid(laptop);
  try {
    const cy = await Person.arrive(laptop, { name: "Cy", origins: [clinic.origin], ...desktop });
    const dana = await Person.arrive(browser, { name: "Dana", origins: [clinic.origin], ...desktop });
    const [chat, desk] = await Promise.all([cy.open(clinic.origin + riverside), dana.open(`${clinic.origin}/staff/`)]);
    await Promise.all([beginChat(chat, { name: "Cy Young" }), signIn(desk, clinic.signIn("dana.ortiz"))]);
    await patientSays(chat, "My ear hurts.");
    await takeNext(desk);
    await staffSays(desk, "Since when?");
    await sees(chat, "Since when?");
    await patientSays(chat, "Since Sunday."); // on its way, or not yet
    await patientBox(chat).fill("It is the le");
    close();
    await staffSays(desk, "Which one?");
    await reaches(desk, "Which one?", "Sent");
    await staffSays(desk, "Left or right?");
    await desk.waitForTimeout(2000);
    await reaches(desk, "Left or right?", "Sent"); // and not delivered: nobody is awake
    open();
    await sees(chat, "Left or right?");
    assert.equal(await patientBox(chat).inputValue(), "It is the le");
    await patientBox(chat).fill("It is the left one.");
    await patientBox(chat).press("Enter");
    await sees(desk, "It is the left one.");
    await reaches(chat, "It is the left one.", "Read");
    const said = await texts(desk);
    assert.deepEqual(await texts(chat), said, "both sides see the same");
    const waited = said.indexOf("Since Sunday.");
    assert.ok(waited > 1, "what waited has arrived");
    assert.deepEqual(said.toSpliced(waited, 1), ["My ear hurts.", "Since when?", "Which one?", "Left or right?", "It is the left one."]);
    for (const person of [cy, dana]) person.assertClean();
    await dana.leave();
  } finally {
    open();
    await laptop.close();
    await clinic.end();
  }
});
