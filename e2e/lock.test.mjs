// A screen that nobody touches: it asks, it hides what it shows, and it opens
// again for who may open it. A workstation is shared, a phone lies about (T43).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, phone, picture } from "./browser.mjs";
import { beginChat, freshCode, patientBox, patientSays, riverside, sees, signIn, staffBox, staffSays, takeNext } from "./people.mjs";
import { Demo } from "./server.mjs";

const secret = "a word that nobody else may read";
let demo, browser, ana, dana, patient, nurse;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  ana = await Person.arrive(browser, { name: "Ana", origins: [demo.origin], ...phone });
  dana = await Person.arrive(browser, { name: "Dana", origins: [demo.origin], ...desktop });
  patient = await ana.context.newPage();
  await patient.clock.install();
  await patient.goto(demo.origin + riverside);
  await beginChat(patient, { name: "Ana Parker" });
  await patientSays(patient, secret);
  nurse = await dana.context.newPage();
  await nurse.clock.install();
  await nurse.goto(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, secret);
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

/** All that the page holds: text, values, titles. */
const held = (page) =>
  page.evaluate(() => document.title + document.documentElement.outerHTML + [...document.querySelectorAll("input"), ...document.querySelectorAll("textarea")].map((each) => each.value).join());

/** Says who one is on the locked screen: a password and the code of the app. */
async function prove(password) {
  await nurse.getByRole("textbox", { name: "Password" }).fill(password);
  const code = nurse.getByLabel("Code", { exact: true });
  if (!(await code.isVisible())) await nurse.getByRole("button", { name: "Next" }).click();
  await code.fill(await freshCode(demo.signIn("dana.ortiz").app));
  await nurse.getByRole("button", { name: "Unlock" }).click();
}

test("the patient is asked two minutes before, and may stay", async () => {
  await patientBox(patient).fill("half a th");
  await patientBox(patient).press("End"); // somebody was there until now
  await patient.clock.fastForward("13:05");
  const asked = patient.getByRole("alertdialog", { name: "Are you still there?" });
  await asked.waitFor();
  await assertAccessible(patient, "asked");
  await picture(patient, "30-asked");
  await asked.getByRole("button", { name: "Stay" }).click();
  await asked.waitFor({ state: "hidden" });
  await sees(patient, secret);
});

test("the patient's chat is hidden, and what was typed is there when it is shown", async () => {
  await patient.clock.fastForward("15:10");
  await patient.getByRole("heading", { name: "Your chat is hidden" }).waitFor();
  const page = await held(patient);
  assert.ok(!page.includes(secret) && !page.includes("half a th"), "something of the chat is still on the page");
  await assertAccessible(patient, "hidden");
  await patient.getByRole("button", { name: "Show my chat" }).click();
  await sees(patient, secret);
  assert.equal(await patientBox(patient).inputValue(), "half a th");
});

test("the console locks on demand, and nothing of a chat is left on the page", async () => {
  await staffSays(nurse, "An answer");
  await sees(patient, "An answer");
  await staffBox(nurse).fill("half an answer");
  await nurse.keyboard.press("Control+Shift+L");
  await nurse.getByRole("heading", { name: "Locked" }).waitFor();
  const page = await held(nurse);
  for (const word of [secret, "An answer", "half an answer", "Ana Parker"]) assert.ok(!page.includes(word), `${word} is still on the page`);
  await assertAccessible(nurse, "locked");
  await picture(nurse, "31-locked");
});

test("messages that come while it is locked are not read out", async () => {
  await patientSays(patient, "another secret");
  await nurse.waitForTimeout(500);
  await nurse.clock.runFor(3000);
  assert.ok(!(await held(nurse)).includes("another secret"));
});

test("a reload does not open it, nor does a wrong password", async () => {
  dana.allow(/status of 40[13]/);
  await nurse.reload();
  await nurse.getByRole("heading", { name: "Locked" }).waitFor();
  await prove("not the password");
  await nurse.getByRole("alert").or(nurse.locator(".banner.bad")).first().waitFor();
  assert.ok(!(await held(nurse)).includes(secret));
});

test("the password and a code open it where it was, with what was typed", async () => {
  await nurse.reload();
  await nurse.getByRole("heading", { name: "Locked" }).waitFor();
  await prove(demo.signIn("dana.ortiz").password);
  await sees(nurse, "another secret");
  assert.equal(await staffBox(nurse).inputValue(), "half an answer");
});

test("staff are asked two minutes before, and who stays is heard by the server at once", async () => {
  await nurse.clock.fastForward("08:10");
  const asked = nurse.getByRole("alertdialog", { name: "Are you still there?" });
  await asked.waitFor();
  await assertAccessible(nurse, "staff asked");
  await picture(nurse, "32-staff-asked");
  // The next in turn is half a minute away. The first answer only tells how far the page's clock has been moved.
  const heard = nurse.waitForResponse((answer) => answer.url().endsWith("/v1/staff/active") && answer.status() !== 401, { timeout: 25_000 });
  await asked.getByRole("button", { name: "Stay" }).click();
  assert.equal((await heard).status(), 200);
  await asked.waitFor({ state: "hidden" });
  await nurse.clock.fastForward("01:00");
  await sees(nurse, "another secret");
  await staffSays(nurse, "We are still here");
  await sees(patient, "We are still here");
});

test("the console locks by itself after ten minutes without an answer, and what was typed is kept", async () => {
  await staffBox(nurse).fill("not yet sent");
  await nurse.clock.fastForward("08:30");
  await nurse.getByRole("alertdialog", { name: "Are you still there?" }).waitFor();
  await nurse.clock.fastForward("02:00");
  await nurse.getByRole("heading", { name: "Locked" }).waitFor();
  assert.ok(!(await held(nurse)).includes("not yet sent"));
  await prove(demo.signIn("dana.ortiz").password);
  await sees(nurse, "another secret");
  assert.equal(await staffBox(nurse).inputValue(), "not yet sent");
});

test("nothing was refused, reported or asked of others", () => {
  for (const person of [ana, dana]) person.assertClean();
});
