// A patient tells who they are, step by step, and both sides see it.
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, phone, picture } from "./browser.mjs";
import { addAuthenticator, beginChat, patientSays, riverside, sees, signIn, staffSays, takeNext } from "./people.mjs";
import { Demo } from "./server.mjs";

const people = [];
let demo, browser, patient, nurse;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const ana = await Person.arrive(browser, { name: "Ana", origins: [demo.origin], ...phone });
  const dana = await Person.arrive(browser, { name: "Dana", origins: [demo.origin], ...desktop });
  people.push(ana, dana);
  patient = await ana.context.newPage();
  await patient.goto(demo.origin + riverside);
  await beginChat(patient, { name: "Ana" });
  await patientSays(patient, "hello");
  nurse = await dana.context.newPage();
  await nurse.goto(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, "hello");
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

const sheet = () => patient.getByRole("dialog", { name: "Tell us who you are" });
const badge = (words) => nurse.locator("#chat-title").locator("xpath=ancestor::header").getByText(words).waitFor();

/** What the demo shows of its messages and its patients, beside the sample clinic page. */
async function beside(selector) {
  const html = await (await fetch(`${demo.clinic}/sign-ins`)).text();
  return html.slice(html.indexOf(`id="${selector}"`));
}

test("a guest proves a contact by the code that came", async () => {
  await badge("Not checked");
  await patient.getByRole("button", { name: "Tell us who you are" }).click();
  await sheet().getByLabel("Email", { exact: true }).fill("ana.perez@mail.example");
  await assertAccessible(patient, "who you are: contact");
  await picture(patient, "40-contact");
  await sheet().getByRole("button", { name: "Send me a code" }).click();
  const field = sheet().getByLabel("Code (6 numbers)");
  await field.waitFor();
  assert.equal(await field.getAttribute("autocomplete"), "one-time-code");
  let code = "";
  for (let tries = 0; tries < 600 && !code; tries++) {
    if (tries) await patient.waitForTimeout(50); // it is sent after the answer
    code = /(\d{6}) is your code for Riverside Family Clinic/.exec(await beside("outbox"))?.[1] ?? "";
  }
  const kept = path.join(demo.folder, "data", "demo-messages");
  assert.equal((await stat(kept)).mode & 0o777, 0o600);
  assert.match(await readFile(kept, "utf8"), new RegExp(code));
  assert.doesNotMatch(demo.program.output, new RegExp(`\\b${code}\\b|ana\\.perez`), "a code in the log");
  const wrong = code === "000000" ? "000001" : "000000";
  await field.fill(wrong);
  await sheet().getByRole("button", { name: "Check", exact: true }).click();
  await sheet().getByText("That code is not right.").waitFor();
  await field.fill(code);
  await sheet().getByRole("button", { name: "Check", exact: true }).click();
  await badge("Contact proved");
});

test("wrong facts are refused in one sentence, right ones match", async () => {
  await sheet().getByLabel("Your birth date").fill("1984-03-09");
  await sheet().getByLabel("PIN we gave you", { exact: true }).last().fill("00000001");
  await assertAccessible(patient, "who you are: on file");
  await picture(patient, "41-on-file");
  await sheet().getByRole("button", { name: "Check", exact: true }).click();
  await sheet().getByText("That does not match what we have.").waitFor();
  const pin = /Ana Pérez[\s\S]*?<code>(\d{6})<\/code>/.exec(await beside("patients"))[1];
  await sheet().getByLabel("PIN we gave you", { exact: true }).last().fill(pin);
  await sheet().getByRole("button", { name: "Check", exact: true }).click();
  await patient.getByRole("dialog", { name: "How we know you" }).getByText("Riverside Family Clinic knows who you are.").waitFor();
  await badge("Identity matched 2/2");
  await nurse.getByText("R-10412").waitFor();
  await assertAccessible(nurse, "who the patient is");
  await picture(nurse, "42-matched");
});

let passkeys;

test("a patient who is known saves a passkey", async () => {
  const known = patient.getByRole("dialog", { name: "How we know you" });
  await patient.keyboard.press("Escape");
  const authenticator = await addAuthenticator(patient);
  await patient.getByRole("button", { name: "More" }).click();
  await patient.getByRole("button", { name: "How we know you" }).click();
  await authenticator.verified(false);
  await known.getByRole("button", { name: "Save a passkey" }).click();
  await known.getByText("No passkey was saved.").waitFor();
  await authenticator.verified(true);
  await known.getByRole("button", { name: "Save a passkey" }).click();
  await known.getByRole("button", { name: /^Remove / }).waitFor();
  passkeys = await authenticator.credentials();
  assert.equal(passkeys.length, 1);
  assert.equal(passkeys[0].isResidentCredential, true);
  await assertAccessible(patient, "how we know you");
  await picture(patient, "43-passkey");
  await known.getByRole("button", { name: "Close" }).last().click();
});

test("T11: with the passkey a new phone has the chats, and without it none", async () => {
  const person = await Person.arrive(browser, { name: "Ana's new phone", origins: [demo.origin], ...phone });
  people.push(person);
  person.allow(/status of 401/);
  const page = await person.context.newPage();
  const authenticator = await addAuthenticator(page);
  await page.goto(demo.origin + riverside);
  await page.getByRole("button", { name: "Open my chats with a passkey" }).click();
  const sheet = page.getByRole("dialog", { name: "Open my chats with a passkey" });
  await sheet.getByText("Yes, it is mine").click();
  await assertAccessible(page, "coming back");
  await picture(page, "44-come-back");
  await sheet.getByRole("button", { name: "Use my passkey" }).click();
  await sheet.getByText("No passkey was used.").waitFor();
  await authenticator.receive(passkeys);
  await sheet.getByRole("button", { name: "Use my passkey" }).click();
  await sees(page, "hello");
  await staffSays(nurse, "Welcome back");
  await sees(page, "Welcome back");
  await sees(patient, "Welcome back");
  await picture(page, "45-back");
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("button", { name: "How we know you" }).click();
  await page.getByRole("dialog", { name: "How we know you" }).getByText("Riverside Family Clinic knows who you are.").waitFor();
  await page.keyboard.press("Escape");
  await page.reload();
  await sees(page, "Welcome back");
});

test("T03: the first phone is told of the new one until it is looked at, and proves what wrote as the patient", async () => {
  const notice = patient.getByText("A new phone or computer can now read your chats and write as you.");
  await notice.waitFor();
  await patient.reload();
  await sees(patient, "Welcome back");
  await notice.waitFor();
  await picture(patient, "46-new-device");
  await patient.getByRole("button", { name: "Take a look" }).click();
  const devices = patient.getByRole("dialog", { name: "Devices that wrote as me" });
  await devices.getByText("Proof checked. It is in our log.").nth(1).waitFor();
  assert.equal(await devices.locator(".devices li").count(), 2);
  assert.equal(await devices.getByText("This device", { exact: true }).count(), 1);
  assert.equal(await devices.getByText(/^Chrome on /).count(), 2);
  await assertAccessible(patient, "devices that wrote as me");
  await picture(patient, "47-devices");
  await patient.keyboard.press("Escape");
  await notice.waitFor({ state: "detached" });
  await patient.reload();
  await sees(patient, "Welcome back");
  await patient.getByRole("button", { name: "More" }).click();
  await patient.getByRole("button", { name: "Devices that wrote as me" }).click();
  await devices.getByText("Proof checked. It is in our log.").nth(1).waitFor();
  assert.equal(await notice.count(), 0);
});

test("nothing was refused, reported or asked of others", () => {
  for (const person of people) person.assertClean();
});
