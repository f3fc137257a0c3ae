// The chat in a page of another site, where browsers let a frame save nothing:
// it says so, and goes on as the person chooses.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, picture, pressLauncher } from "./browser.mjs";
import { agreeAndTell, patientSays, reaches, riverside, sees, signIn, staffSays, takeNext } from "./people.mjs";
import { Demo } from "./server.mjs";

let demo, browser, eve, page, chat;

before(async () => {
  demo = await Demo.start({ clinicHost: "127.0.0.2" }); // the chat is on localhost
  browser = await launch();
  eve = await Person.arrive(browser, { name: "Eve", origins: [demo.origin, demo.clinic], ...desktop });
  page = await eve.open(`${demo.clinic}/`);
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

test("a frame of another site is told that nothing can be saved, and offers two ways", async () => {
  chat = await pressLauncher(page, riverside);
  await chat.getByRole("button", { name: "Start a chat" }).click();
  await chat.getByRole("heading", { name: "We cannot save this chat here" }).waitFor();
  const stored = await chat.evaluate(() => new Promise((tell) => {
    const opening = indexedDB.open("probe");
    opening.onsuccess = () => tell(true);
    opening.onerror = () => tell(false);
  }));
  assert.equal(stored, false, "this browser does save: the story proves nothing");
  await picture(page, "50-cross-site");
  await assertAccessible(page, "the storage screen");
});

test("in a full window the chat can be saved", async () => {
  const [full] = await Promise.all([eve.context.waitForEvent("page"), chat.getByRole("button", { name: "Open in full window" }).click()]);
  await full.waitForURL((url) => url.origin === demo.origin);
  await full.getByRole("button", { name: "Start a chat" }).click();
  await full.getByRole("checkbox").first().waitFor();
  await full.close();
});

test("kept on this page only, it works from end to end", async () => {
  await chat.getByRole("button", { name: "Keep on this page only" }).click();
  await agreeAndTell(chat, { name: "Eve Stone" });
  await chat.getByText("This chat stays on this page only.").waitFor();
  await patientSays(chat, "Nothing of this is saved.");
  await reaches(chat, "Nothing of this is saved.", "Sent");
  const dana = await Person.arrive(browser, { name: "Dana", origins: [demo.origin], ...desktop });
  const nurse = await dana.open(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, "Nothing of this is saved.");
  await staffSays(nurse, "I can read it, Eve.");
  await sees(chat, "I can read it, Eve.");
  await reaches(chat, "Nothing of this is saved.", "Read");
  await picture(page, "51-cross-site-chat");
  dana.assertClean();
});

test("with the page the chat is gone", async () => {
  await page.reload();
  chat = await pressLauncher(page, riverside);
  await chat.getByRole("button", { name: "Start a chat" }).waitFor();
  assert.equal(await chat.getByRole("button", { name: "Continue my chat" }).count(), 0);
  eve.assertClean();
});
