// A chat from the clinic's page to its end with the keyboard alone, on both
// sides. What has the focus is named at each step, as a screen reader names it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, frameOf, hasFocus, launch, Person, tabTo } from "./browser.mjs";
import { freshCode, reaches, riverside, sees } from "./people.mjs";
import { Demo } from "./server.mjs";

let demo, browser, cy, dana, page, patient, nurse;

const launcher = "button Chat with Riverside Family Clinic";
const message = "textbox Your message";
const reply = "textbox Message to Cy Ramos";

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const origins = [demo.origin, demo.clinic];
  cy = await Person.arrive(browser, { name: "Cy", origins, ...desktop });
  dana = await Person.arrive(browser, { name: "Dana", origins, ...desktop });
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

/** Goes to something and presses a key there. */
async function press(at, what, key = "Enter", way = "Tab") {
  await tabTo(at, what, way);
  await at.keyboard.press(key);
}

test("a patient comes from the clinic's page to a message that is sent", async () => {
  page = await cy.open(`${demo.clinic}/`);
  await page.waitForLoadState("load");
  await press(page, "button Chat with us");
  patient = await frameOf(page, riverside);
  await hasFocus(page, "heading Riverside Family Clinic");
  await press(page, "button Start a chat");
  await hasFocus(page, "heading Before we start");
  await page.keyboard.press("Shift+Tab");
  for (const box of await patient.getByRole("checkbox").all()) {
    await tabTo(page, `checkbox ${(await box.evaluate(({ labels }) => labels[0].innerText)).trim()}`);
    await page.keyboard.press("Space");
    assert.ok(await box.isChecked());
  }
  await press(page, "button I agree, go on");
  await hasFocus(page, "heading About you");
  await tabTo(page, "textbox What should we call you?");
  await page.keyboard.type("Cy Ramos");
  await press(page, "radio A health question", "Space");
  await press(page, "radio Yes, it is mine", "Space");
  await press(page, "button Go to the chat");
  await hasFocus(page, message);
  await page.keyboard.type("My results, please?");
  await page.keyboard.press("Enter");
  await hasFocus(page, message);
  await reaches(patient, "My results, please?", "Sent");
});

test("what is opened gives the focus back, and the panel gives it back to its button", async () => {
  await press(page, "button Who can read this chat?", "Enter", "Shift+Tab");
  await hasFocus(page, "heading Who can read this chat?");
  await page.keyboard.press("Escape");
  await hasFocus(page, "button Who can read this chat?");
  await page.keyboard.press("Escape");
  await hasFocus(page, launcher);
  await page.keyboard.press("Enter");
  await hasFocus(page, message);
});

test("a nurse signs in, takes the chat, answers and closes it", async () => {
  const { login, password, app } = demo.signIn("dana.ortiz");
  nurse = await dana.open(`${demo.origin}/staff/`);
  await hasFocus(nurse, "heading Sign in");
  for (const [field, words] of [["textbox Practice", "riverside"], ["textbox Sign-in name", login], ["textbox Password", password]]) {
    await tabTo(nurse, field);
    await nurse.keyboard.type(words);
  }
  await nurse.keyboard.press("Enter");
  await hasFocus(nurse, "textbox Code");
  await nurse.keyboard.type(await freshCode(app));
  await nurse.keyboard.press("Enter");
  await hasFocus(nurse, "heading Waiting");
  await nurse.getByRole("button", { name: "Take the next" }).waitFor();
  await press(nurse, "button Take the next");
  await hasFocus(nurse, reply);
  await sees(nurse, "My results, please?");
  await nurse.keyboard.type("All is well, Cy.");
  await nurse.keyboard.press("Control+Enter");
  await hasFocus(nurse, reply);
  await sees(patient, "All is well, Cy.");
  await hasFocus(page, message);

  await press(nurse, "button More actions", "Enter", "Shift+Tab");
  await hasFocus(nurse, "menuitem Add person");
  await nurse.keyboard.press("Enter");
  await hasFocus(nurse, "heading Add a person to this chat");
  await nurse.keyboard.press("Escape");
  await hasFocus(nurse, "button More actions");

  await press(nurse, "button Close chat", "Enter", "Shift+Tab");
  await hasFocus(nurse, "button Close chat");
  await patient.getByText("Nurse Dana Ortiz ended the chat.").first().waitFor();
  await hasFocus(nurse, "heading Cy Ramos");
});

test("the patient is taken along to the end, rates the chat and opens it again", async () => {
  await hasFocus(page, "paragraph Nurse Dana Ortiz ended the chat.");
  await press(page, "button Rate this chat");
  await hasFocus(page, "heading How was this chat?");
  await page.keyboard.press("Escape");
  await hasFocus(page, "button Rate this chat");
  await page.keyboard.press("Enter");
  await hasFocus(page, "heading How was this chat?");
  await press(page, "radio Very good", "Space");
  await press(page, "button Send my choice");
  await hasFocus(page, "paragraph Nurse Dana Ortiz ended the chat.");
  await press(page, "button Open this chat again");
  await hasFocus(page, message);
});

test("nothing was refused, reported or asked of others", () => {
  for (const person of [cy, dana]) person.assertClean();
});
