// A form for the care of a child: two people bring it out, a parent agrees to it
// for her child, the nurse sees it, and the parent takes it back (T50). Between, the
// chat is transferred to a queue with a form of its own.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, phone, picture } from "./browser.mjs";
import { atForms, step, write } from "./forms.mjs";
import { patientBox, patientSays, riverside, sees, signIn, staffBox, staffSays, takeNext } from "./people.mjs";
import { Demo } from "./server.mjs";

let demo, browser, maria, robin, pat, dana, officer, administrator, patient, nurse;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const arrive = (name, device) => Person.arrive(browser, { name, origins: [demo.origin], ...device });
  [maria, robin, pat, dana] = await Promise.all([arrive("Maria", phone), arrive("Robin", desktop), arrive("Pat", desktop), arrive("Dana", desktop)]);
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

const words = {
  English: {
    Title: "Care for your child",
    "Short form": "We may write about your child here.\nYou can read what we write.",
    "Why we ask": "You choose care for your child.",
    "What is kept": "We keep what you write about your child.",
    "How long": "We keep it for ten years.",
    Risks: "A person near you can see your screen.",
    "How to take it back": "You can stop at any time.",
    Questions: "Call us at +1 555 0100.",
  },
  Español: {
    Title: "Atención de su hijo",
    "Short form": "Aquí podemos escribir sobre su hijo.\nUsted puede leer lo que escribimos.",
    "Why we ask": "Usted decide por su hijo.",
    "What is kept": "Guardamos lo que escribe sobre su hijo.",
    "How long": "Lo guardamos diez años.",
    Risks: "Una persona cerca puede ver su pantalla.",
    "How to take it back": "Puede parar cuando quiera.",
    Questions: "Llame al +1 555 0100.",
  },
  العربية: {
    Title: "رعاية طفلك",
    "Short form": "قد نكتب هنا عن طفلك.\nيمكنك قراءة ما نكتبه.",
    "Why we ask": "أنت تختار لطفلك.",
    "What is kept": "نحفظ ما تكتبه عن طفلك.",
    "How long": "نحفظه عشر سنوات.",
    Risks: "قد يرى شخص قريب منك شاشتك.",
    "How to take it back": "يمكنك التوقف في أي وقت.",
    Questions: "اتصل بنا.",
  },
};

/** Two people bring out a form that is there for more than the chat. */
async function bringOut(name, kind, form, also) {
  await officer.getByRole("link", { name: "New form" }).click();
  await officer.getByLabel("Short name").fill(name);
  await officer.getByLabel("Kind").selectOption(kind);
  await also?.();
  await write(officer, form);
  await picture(officer, `120-${name}-editor`);
  await officer.getByRole("button", { name: "Save the draft" }).click();
  await step(officer, "Submit", "I read the Arabic aloud to two patients.");
  if (administrator) await administrator.evaluate(() => (location.hash = "#/consents"));
  else administrator = await atForms(pat, demo, "pat.rivera");
  await administrator.getByRole("link", { name: `${name}, version 1` }).click();
  await step(administrator, "Approve", "A colleague who speaks Arabic found it plain.");
  await step(administrator, "Publish");
  await administrator.getByText("Published", { exact: false }).first().waitFor();
}

test("two people bring out a form for the care of a child", async () => {
  officer = await atForms(robin, demo, "robin.diaz");
  await bringOut("children", "Treatment of a minor", words);
});

/** The parent agrees to the form that is shown, whose boxes nobody has ticked for her. */
async function agree(boxes) {
  await patient.getByRole("checkbox").first().waitFor();
  const all = await patient.getByRole("checkbox").all();
  assert.equal(all.length, boxes);
  for (const box of all) {
    assert.equal(await box.isChecked(), false, "a consent box is ticked beforehand");
    await box.check();
  }
  await patient.getByRole("button", { name: "I agree, go on" }).click();
}

test("a parent is asked for it once she has said that she writes for her child", async () => {
  patient = await maria.open(demo.origin + riverside);
  await patient.getByRole("button", { name: "Start a chat" }).click();
  await agree(2);
  await patient.getByLabel("What should we call you?").fill("Maria");
  await patient.getByText("My child", { exact: true }).click();
  await patient.getByLabel("What is their name?").fill("Leo");
  await patient.getByText("A health question", { exact: true }).click();
  await patient.getByText("Yes, it is mine").click();
  await patient.getByRole("button", { name: "Go to the chat" }).click();
  await patient.getByRole("heading", { name: "Care for your child" }).waitFor();
  assert.equal(await patientBox(patient).count(), 0, "she writes before she has agreed");
  await patient.getByText("One more form").waitFor();
  await patient.getByText("I am this child’s parent or guardian, or may act in their place.").waitFor();
  await picture(patient, "121-minor-form");
  await assertAccessible(patient, "form for a child");
  await agree(2);
  await patientBox(patient).waitFor();
  await patientSays(patient, "Leo has a cough.");
});

test("the nurse sees who agreed to what, and that a parent writes", async () => {
  nurse = await dana.open(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, "Leo has a cough.");
  await nurse.getByText("Says they write for somebody else: Parent.").first().waitFor();
  await nurse.getByText("Treatment of a minor", { exact: false }).filter({ hasText: "✓" }).first().scrollIntoViewIfNeeded();
  await picture(nurse, "122-minor-panel");
  await assertAccessible(nurse, "the parent beside the chat");
  await staffSays(nurse, "Thank you. I am here.");
  await sees(patient, "Thank you. I am here.");
});

test("a chat that is transferred to a queue with a form of its own asks for it before the next message", async () => {
  await officer.evaluate(() => (location.hash = "#/consents"));
  await bringOut("recovery", "42 CFR Part 2", { ...words, English: { ...words.English, Title: "Help with alcohol" } }, () => officer.getByLabel("A bill or insurance").check());
  await nurse.getByRole("button", { name: "More actions" }).click();
  await nurse.getByRole("menuitem", { name: "Transfer" }).click();
  const dialog = nurse.getByRole("dialog", { name: "Transfer this chat" });
  await dialog.getByRole("radio", { name: /A bill or insurance/ }).check();
  await dialog.getByRole("button", { name: "Transfer", exact: true }).click();
  await patient.getByText("Agree to it to write on.", { exact: false }).waitFor();
  assert.equal(await patientBox(patient).count(), 0, "she writes before she has agreed");
  const read = async () => {
    await patient.getByRole("button", { name: "Read the form" }).click();
    await sheet.getByText("Help with alcohol").waitFor();
    assert.equal(await sheet.getByRole("checkbox").isChecked(), false, "a consent box is ticked beforehand");
  };
  const sheet = patient.getByRole("dialog", { name: "A form to read" });
  await read();
  await picture(patient, "128-transferred-form");
  await patient.keyboard.press("Escape"); // she would rather not
  await sheet.waitFor({ state: "hidden" });
  assert.equal(await patientBox(patient).count(), 0, "who does not agree writes on");
  await sees(patient, "Thank you. I am here.");
  await read();
  await sheet.getByRole("checkbox").check();
  await sheet.getByRole("button", { name: "I agree, go on" }).click();
  await patientSays(patient, "There is a bill, too.");
  await nurse.getByRole("link", { name: /^Waiting/ }).click();
  await takeNext(nurse);
  await sees(nurse, "There is a bill, too.");
});

test("the parent finds both agreements, and takes the child's back", async () => {
  await patient.getByRole("button", { name: "More choices" }).click();
  await patient.getByRole("button", { name: "My agreements" }).click();
  const sheet = patient.getByRole("dialog", { name: "My agreements" });
  const child = sheet.getByRole("listitem").filter({ hasText: "Care of a child" });
  await child.waitFor();
  await picture(patient, "123-minor-agreements");
  await child.getByRole("button", { name: "Look" }).click();
  await sheet.getByText("We keep what you write about your child.").waitFor();
  await sheet.getByRole("button", { name: "Take it back" }).click();
  const { bottom, height } = await sheet.getByRole("button", { name: "Yes, take it back" }).evaluate((button) => ({ bottom: button.getBoundingClientRect().bottom, height: innerHeight }));
  assert.ok(bottom <= height, "the answer is below the screen");
  await picture(patient, "124-minor-sure");
  await assertAccessible(patient, "take back the child's form");
  await sheet.getByRole("button", { name: "Yes, take it back" }).click();
  await child.getByText("You took it back", { exact: false }).waitFor();
  await picture(patient, "125-minor-taken-back");
  await patient.keyboard.press("Escape");
  await patient.getByText("You took back your consent.").first().waitFor();
  assert.equal(await patientBox(patient).count(), 0);
  await picture(patient, "126-minor-over");
  await nurse.getByText("The patient has taken consent back. Nothing more can be sent.", { exact: false }).first().waitFor();
  assert.equal(await staffBox(nurse).count(), 0);
  await nurse.locator("s").filter({ hasText: "Treatment of a minor" }).first().scrollIntoViewIfNeeded();
  await picture(nurse, "127-minor-panel-after");
});

test("nothing on any page was refused, reported or asked of others", () => {
  for (const person of [maria, robin, pat, dana]) person.assertClean();
});
