// Who a patient is to whom, in real browsers: a nurse invites a patient by a
// one-time link, is held back from speaking of health before the patient has
// shown who they are, and is told that a mother writes for her child.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, phone, picture } from "./browser.mjs";
import { patientBox, sees, sendHeld, signIn, staffBox, staffSays, texts } from "./people.mjs";
import { Demo } from "./server.mjs";

let demo, browser, dana, nurse, maria, patient, link;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const origins = [demo.origin, demo.clinic];
  dana = await Person.arrive(browser, { name: "Dana", origins, ...desktop });
  maria = await Person.arrive(browser, { name: "Maria", origins, ...phone });
  nurse = await dana.open(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

test("T57 a nurse makes a one-time link", async () => {
  await nurse.getByRole("button", { name: "Invite a patient" }).click();
  const drawer = nurse.getByRole("dialog", { name: "Invite a patient" });
  await drawer.getByText("A health question", { exact: true }).click();
  await picture(nurse, "60-invite");
  await assertAccessible(nurse, "invite a patient");
  await drawer.getByRole("button", { name: "Make the link" }).click();
  link = await drawer.locator("code").innerText();
  assert.match(link, /\/c\/riverside#i=[\w-]{43}$/);
  await drawer.getByText("Not opened yet").waitFor();
  await picture(nurse, "61-link");
  await nurse.keyboard.press("Escape");
});

test("T57 it begins a chat in one browser, for a child, after consent", async () => {
  patient = await maria.open(link);
  await patient.getByText("asked you to this chat").waitFor();
  assert.equal(new URL(patient.url()).hash, "", "the token stays in the address");
  await picture(patient, "62-invited");
  await patient.getByRole("button", { name: "Start a chat" }).click();
  await patient.getByRole("checkbox").first().waitFor();
  for (const box of await patient.getByRole("checkbox").all()) await box.check();
  await patient.getByRole("button", { name: "I agree, go on" }).click();
  await patient.getByLabel("What should we call you?").fill("Maria");
  await patient.getByText("My child", { exact: true }).click();
  await patient.getByLabel("What is their name?").fill("Leo");
  await patient.getByText("Yes, it is mine").click();
  await picture(patient, "63-for-whom");
  await assertAccessible(patient, "for whom");
  await patient.getByRole("button", { name: "Go to the chat" }).click();
  await patientBox(patient).waitFor();
  await patientBox(patient).fill("Thank you for the link.");
  await patient.getByRole("button", { name: "Send", exact: true }).click();

  await nurse.evaluate(() => (location.hash = "#/mine"));
  await nurse.getByText("Maria, for Leo").first().click();
  await staffBox(nurse).waitFor();
  await sees(nurse, "Thank you for the link.");
  await nurse.getByText("Says they write for somebody else: Parent.").first().waitFor();
  await nurse.getByText("This chat began by your practice’s link.").first().waitFor();
  await picture(nurse, "64-panel");
  await assertAccessible(nurse, "the patient beside the chat");

  const other = await Person.arrive(browser, { name: "Other", origins: [demo.origin, demo.clinic], ...phone });
  const takeBack = other.allow(/status of 4\d\d/); // that is how a link is refused
  const late = await other.open(link);
  await late.getByText("This link does not work any more.").waitFor();
  takeBack();
  other.assertClean();
});

test("T59 health waits until the patient has shown who they are, or for a reason", async () => {
  await nurse.getByText("Maria, for Leo has not shown who they are yet.").waitFor();
  await staffSays(nurse, "Hello Maria. I am here.");
  await sees(patient, "Hello Maria. I am here.");
  await staffSays(nurse, "His as\u200bthma inhaler is ready.");
  const dialog = nurse.getByRole("dialog", { name: "Send this now?" });
  await dialog.waitFor();
  await picture(nurse, "65-held-back");
  await assertAccessible(nurse, "held back");
  await dialog.getByRole("button", { name: "Go back and change it" }).click();
  assert.match(await staffBox(nurse).inputValue(), /inhaler/, "what was typed is gone");
  assert.equal((await texts(patient)).length, 2);
  await staffBox(nurse).press("Control+Enter");
  await sendHeld(nurse);
  await sees(patient, "inhaler is ready.");
});

test("T53: the patient leaves quickly", async () => {
  const before = await patient.evaluate(() => history.length);
  await patient.getByRole("button", { name: "Leave this page now" }).click();
  await patient.waitForURL("about:blank");
  assert.equal(await patient.evaluate(() => history.length), before, "it left an entry in the history");
  assert.equal(await patient.evaluate(() => document.body.innerText), "");
});

test("nothing was refused, reported or asked of others", () => {
  for (const person of [maria, dana]) person.assertClean();
});
