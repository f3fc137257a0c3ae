// A form that changes: two people bring it out, patients are asked again, and
// who takes it back is written to no more (T50).
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { assertAccessible, desktop, launch, Person, phone, picture } from "./browser.mjs";
import { validateBundle } from "./fhir.mjs";
import { atForms, step, write } from "./forms.mjs";
import { beginChat, patientBox, patientSays, reaches, riverside, sees, signIn, staffBox, staffSays, takeNext } from "./people.mjs";
import { Demo, root } from "./server.mjs";

let demo, browser, ana, robin, pat, dana, patient, officer, administrator, nurse;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const arrive = (name, device) => Person.arrive(browser, { name, origins: [demo.origin], ...device });
  [ana, robin, pat, dana] = await Promise.all([arrive("Ana", phone), arrive("Robin", desktop), arrive("Pat", desktop), arrive("Dana", desktop)]);
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

const words = {
  English: {
    Title: "Before we write",
    "Short form": "Your care team reads this chat.\nIn an emergency, call 911.",
    "Why we ask": "You choose if you want to chat.",
    "What is kept": "We keep what you write.",
    "How long": "We keep it for ten years.",
    Risks: "A person near you can see your screen.",
    "How to take it back": "You can stop at any time.",
    Questions: "Call us at +1 555 0100.",
  },
  Español: {
    Title: "Antes de escribir",
    "Short form": "Su equipo lee este chat.\nSi es urgente, llame al 911.",
    "Why we ask": "Usted decide si usa el chat.",
    "What is kept": "Guardamos lo que escribe.",
    "How long": "Lo guardamos diez años.",
    Risks: "Una persona cerca puede ver su pantalla.",
    "How to take it back": "Puede parar cuando quiera.",
    Questions: "Llame al +1 555 0100.",
  },
  العربية: {
    Title: "قبل أن نكتب",
    "Short form": "فريقك يقرأ هذه المحادثة.\nفي حالة الطوارئ اتصل بالرقم 911.",
    "Why we ask": "أنت تختار.",
    "What is kept": "نحفظ ما تكتبه.",
    "How long": "نحفظه عشر سنوات.",
    Risks: "قد يرى شخص قريب منك شاشتك.",
    "How to take it back": "يمكنك التوقف في أي وقت.",
    Questions: "اتصل بنا.",
  },
};

test("a patient and a nurse write to each other", async () => {
  patient = await ana.open(demo.origin + riverside);
  await beginChat(patient, { name: "Ana Parker" });
  await patientSays(patient, "When do you open?");
  nurse = await dana.open(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, "When do you open?");
});

test("the patient sees who opened the messages (T22)", async () => {
  const sheet = patient.getByRole("dialog", { name: "Who saw my messages" });
  const dana = sheet.getByRole("listitem").filter({ hasText: "Dana Ortiz" }).filter({ hasText: "Nurse" });
  const opened = dana.filter({ hasText: "Opened your messages" }).first();
  // The log takes an event in about a second after the act; the sheet shows what was in it when it was opened.
  for (let tries = 0; tries < 20; tries++) {
    await patient.getByRole("button", { name: "More choices" }).click();
    await patient.getByRole("button", { name: "Who saw my messages" }).press("Enter");
    await sheet.getByRole("listitem").first().waitFor();
    if (await opened.isVisible()) break;
    await patient.keyboard.press("Escape");
    await sheet.waitFor({ state: "hidden" });
    await patient.waitForTimeout(500);
  }
  await opened.waitFor();
  await dana.filter({ hasText: "Came into the chat" }).first().waitFor();
  await sheet.getByRole("heading", { name: new RegExp(`^Today .*${new Date().getFullYear()}$`) }).waitFor();
  await picture(patient, "69-who-saw");
  await assertAccessible(patient, "who saw my messages");
  await patient.keyboard.press("Escape");
  await sheet.waitFor({ state: "hidden" });
});

test("the compliance officer writes the next version, and cannot approve it", async () => {
  officer = await atForms(robin, demo, "robin.diaz");
  await officer.getByRole("link", { name: "chat, version 1" }).click();
  await officer.getByRole("link", { name: "Write the next version" }).click();
  await write(officer, words);
  await officer.getByRole("button", { name: "English", exact: true }).click();
  await officer.getByRole("region", { name: "As patients see it" }).getByText("We keep what you write.").waitFor();
  await picture(officer, "70-form-editor");
  await officer.getByRole("button", { name: "Save the draft" }).click();
  await step(officer, "Submit", "I read the Arabic aloud to two patients.");
  await officer.getByText("Waits for approval").waitFor();
  await picture(officer, "71-form-submitted");
  assert.equal(await officer.getByRole("button", { name: "Approve" }).count(), 0, "nobody approves their own");
});

test("another approves and publishes it", async () => {
  administrator = await atForms(pat, demo, "pat.rivera");
  await administrator.getByRole("link", { name: "chat, version 2" }).click();
  await administrator.getByRole("heading", { name: "What changed since version 1" }).waitFor();
  await step(administrator, "Approve", "A colleague who speaks Arabic found it plain.");
  await step(administrator, "Publish");
  await administrator.getByText("Published", { exact: false }).first().waitFor();
  await picture(administrator, "72-form-published");
});

test("the patient is asked again before the next message, with nothing ticked", async () => {
  await patient.getByText("There is a form to read. Agree to it to write on.").waitFor();
  assert.equal(await patientBox(patient).count(), 0);
  await staffSays(nurse, "You can still read me.");
  await sees(patient, "You can still read me.");
  await picture(patient, "73-asked-again");
  await patient.getByRole("button", { name: "Read the form" }).click();
  const sheet = patient.getByRole("dialog", { name: "Our form has changed" });
  await sheet.getByText("We keep what you write.").waitFor();
  const box = sheet.getByRole("checkbox");
  assert.equal(await box.isChecked(), false);
  await picture(patient, "74-form-again");
  await assertAccessible(patient, "form again");
  await sheet.getByRole("button", { name: "I agree, go on" }).click();
  await sheet.waitFor(); // not without the box
  await box.check();
  await sheet.getByRole("button", { name: "I agree, go on" }).click();
  await patientSays(patient, "I have read it.");
  await sees(nurse, "I have read it.");
});

test("the patient keeps a copy that can be checked, takes it back, and what staff send is refused", async () => {
  dana.allow(/ERR_INTERNET_DISCONNECTED|WebSocket connection|Failed to load resource/);
  await patient.getByRole("button", { name: "More choices" }).click();
  await patient.getByRole("button", { name: "My agreements" }).click();
  const sheet = patient.getByRole("dialog", { name: "My agreements" });
  await sheet.getByRole("button", { name: "Look" }).first().click();
  const saved = async (name) => {
    const [file] = await Promise.all([patient.waitForEvent("download"), sheet.getByRole("button", { name, exact: true }).click()]);
    return file.path();
  };
  const page = await readFile(await saved("Save a copy"), "utf8");
  for (const part of ["Before we write", "How long we keep it: We keep it for ten years.", "ECDSA P-256"]) assert.ok(page.includes(part), `the copy lacks ${part}`);
  assert.ok(!/<script|src=/.test(page), "a copy runs and fetches nothing");
  const data = await saved("Save the data");
  const verify = (file) => spawnSync(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "data"), "consent", "verify", "riverside", file], { encoding: "utf8" });
  const good = verify(data);
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stdout, /form chat, version 2 \(en\): the text and the signature are right; agreed \S+\n$/);
  const copy = JSON.parse(await readFile(data, "utf8"));
  const other = path.join(demo.folder, "other.json");
  for (const [name, change] of Object.entries({
    text: { text: { ...copy.text, full: copy.text.full.replace("ten years", "one year") } },
    time: { deviceAt: copy.deviceAt + 1 },
    signature: { signature: btoa("x") },
  })) {
    await writeFile(other, JSON.stringify({ ...copy, ...change }));
    assert.notEqual(verify(other).status, 0, `another ${name} passes`);
  }
  await picture(patient, "75-my-agreement");
  await assertAccessible(patient, "my agreement");

  // The nurse's line is cut: she writes on, not knowing yet.
  await dana.context.setOffline(true);
  await staffSays(nurse, "Written before I knew.");
  await sheet.getByRole("button", { name: "Take it back" }).click();
  await sheet.getByText("How long we keep it: We keep it for ten years.").last().waitFor();
  await sheet.getByRole("button", { name: "Yes, take it back" }).click();
  await sheet.getByText("You took it back", { exact: false }).first().waitFor();
  await picture(patient, "76-taken-back");
  await patient.keyboard.press("Escape");
  await patient.getByText("You took back your consent.").first().waitFor();

  await dana.context.setOffline(false);
  await nurse.getByText("The patient has taken consent back. Nothing more can be sent.", { exact: false }).first().waitFor();
  assert.equal(await staffBox(nurse).count(), 0);
  await reaches(nurse, "Written before I knew.", "Not sent");
  await picture(nurse, "77-refused");
  assert.equal(await patient.getByText("Written before I knew.").count(), 0, "it does not arrive");
});

test("what sotto consent export writes of it is a Bundle of Consents by the official definitions", async () => {
  const { stdout } = await promisify(execFile)(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "data"), "consent", "export", "riverside"]);
  const receipts = stdout.trim().split("\n").flatMap((line) => {
    const bundle = JSON.parse(line);
    validateBundle(bundle);
    return bundle.entry.map(({ resource }) => resource);
  });
  assert.ok(receipts.length > 1, "she agreed to two versions");
  for (const receipt of receipts) {
    assert.equal(receipt.status, "inactive", "one version stands no more, the other was taken back");
    assert.equal(receipt.verification[0].verified, true);
  }
});

test("nothing on any page was refused, reported or asked of others", () => {
  for (const person of [ana, robin, pat, dana]) person.assertClean();
});
