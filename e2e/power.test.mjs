// What takes a second person, in real browsers: a physician goes into a chat
// that is closed to them in an emergency, in everybody's sight, a lead takes the
// chat over from who had it, and a role with much power is asked for by one and
// approved by another.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, phone, picture } from "./browser.mjs";
import { beginChat, freshCode, patientSays, riverside, sees, signIn, staffBox, staffSays, takeNext, texts } from "./people.mjs";
import { Demo } from "./server.mjs";

let demo, browser, everybody, ana, dana, samuel, alex, pat, robin, patient, nurse, physician, lead;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const arrive = (name, device) => Person.arrive(browser, { name, origins: [demo.origin], ...device });
  everybody = await Promise.all([arrive("Ana", phone), ...["Dana", "Samuel", "Alex", "Pat", "Robin"].map((name) => arrive(name, desktop))]);
  [ana, dana, samuel, alex, pat, robin] = everybody;
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

async function atWork(person, login) {
  const page = await person.open(`${demo.origin}/staff/`);
  await signIn(page, demo.signIn(login));
  return page;
}

const heading = (name) => (page) => page.getByRole("heading", { name, level: 1 });

async function atSection(person, login, section, title) {
  const page = await person.open(`${demo.origin}/admin/?practice=riverside#/${section}`);
  await signIn(page, demo.signIn(login), heading(title));
  return page;
}

/** Both factors, where a dialog asks for them. */
async function prove(dialog, { password, app }, submit) {
  await dialog.getByRole("textbox", { name: "Password" }).fill(password);
  await dialog.getByLabel("Code", { exact: true }).fill(await freshCode(app));
  await dialog.getByRole("button", { name: submit, exact: true }).click();
}

test("T47 a chat that a nurse took is closed to others", async () => {
  patient = await ana.open(demo.origin + riverside);
  await beginChat(patient, { name: "Ana Parker" });
  await patientSays(patient, "Since noon my chest hurts.");
  nurse = await atWork(dana, "dana.ortiz");
  await takeNext(nurse);
  await sees(nurse, "Since noon my chest hurts.");
  lead = await atWork(alex, "alex.morgan");
  physician = await atWork(samuel, "samuel.lee");
  await physician.evaluate(() => (location.hash = "#/team"));
  await physician.getByText("A health question").first().click();
  await physician.getByText("has taken this chat").waitFor();
  assert.equal(await physician.getByText("Since noon my chest hurts.").count(), 0);
});

test("T47 a physician goes in with a reason and both factors, and everybody sees it", async () => {
  await physician.getByRole("button", { name: "Emergency access" }).click();
  const dialog = physician.getByRole("dialog", { name: "Go into this chat in an emergency" });
  await dialog.getByText("Care can not wait").click();
  await dialog.getByLabel("In your own words").fill("Urgent");
  await prove(dialog, demo.signIn("samuel.lee"), "Go in now");
  await dialog.getByText("Say a little more: at least 10 characters.").waitFor();
  await picture(physician, "100-emergency-asked");
  await assertAccessible(physician, "emergency access");
  await dialog.getByLabel("In your own words").fill("The nurse is away from the desk, and this may be a heart attack.");
  await dialog.getByLabel("Code", { exact: true }).fill(await freshCode(demo.signIn("samuel.lee").app)); // the first may be too old by now
  await dialog.getByRole("button", { name: "Go in now" }).click();
  await staffBox(physician).waitFor();
  await sees(physician, "Since noon my chest hurts.");
  await physician.getByText("Emergency access. You are taken out in", { exact: false }).waitFor();
  await picture(physician, "101-emergency-inside");
  await assertAccessible(physician, "in by emergency access");
  await staffSays(physician, "Ana, please call 911 now.");
  await sees(patient, "Ana, please call 911 now.");
  await patient.getByText("Physician Samuel Lee opened this chat in an emergency, for one hour. Someone else checks why.").first().waitFor();
  await nurse.getByText("Samuel Lee opened this chat by emergency access.").first().waitFor();
  await picture(patient, "102-emergency-patient");
  await assertAccessible(patient, "after an emergency access");
});

test("T47 the team's lead is told at once, and reviews it", async () => {
  const told = lead.getByText("An emergency access waits for a review.");
  await told.waitFor();
  await picture(lead, "103-emergency-told");
  await lead.getByRole("link", { name: "Review" }).click();
  await heading("Emergency access")(lead).waitFor();
  await lead.getByRole("button", { name: "Samuel Lee" }).click();
  const review = lead.getByRole("dialog", { name: "Review an emergency access" });
  await review.getByText("The nurse is away from the desk", { exact: false }).waitFor();
  await review.getByText("It was needed").click();
  await picture(lead, "104-emergency-review");
  await assertAccessible(lead, "review of an emergency access");
  await review.getByRole("button", { name: "Save" }).click();
  await review.waitFor({ state: "hidden" });
  await lead.getByRole("table").getByText("Reviewed").waitFor();
  await told.waitFor({ state: "hidden" });
});

test("a lead takes the chat over, and the patient sees who reads it from now on", async () => {
  await staffBox(nurse).fill("Half a sentence, not");
  await lead.goto(`${demo.origin}/staff/#/team`);
  await lead.getByText("A health question").first().click();
  await lead.getByRole("button", { name: "Take over" }).click();
  const asked = lead.getByRole("dialog", { name: "Take over this chat?" });
  await asked.getByText("Dana Ortiz leaves the chat and you answer in their place.", { exact: false }).waitFor();
  assert.ok(await asked.getByRole("button", { name: "Take over" }).isDisabled(), "they are in before they say why");
  await asked.getByText("They are not there", { exact: true }).click();
  await assertAccessible(lead, "why a lead takes over");
  await asked.getByRole("button", { name: "Take over" }).click();
  await staffBox(lead).waitFor();
  await sees(lead, "Since noon my chest hurts."); // and what was said before
  await staffSays(lead, "I answer you from now on.");
  await sees(patient, "I answer you from now on.");
  for (const told of ["Nurse Dana Ortiz left. They cannot read new messages.", "Care team lead Alex Morgan joined. They can read this chat from now on."]) {
    await patient.getByRole("log").getByText(told).waitFor();
  }
  await patient.getByRole("button", { name: "Who can read this chat?" }).click();
  const readers = patient.getByRole("dialog", { name: "Who can read this chat?" });
  await readers.getByRole("listitem").filter({ hasText: "Alex Morgan" }).getByText(/Can read since .*\d:\d\d/).waitFor();
  assert.equal(await readers.getByText("Dana Ortiz").count(), 0, "who is out is still among who can read");
  await picture(patient, "107-taken-over-patient");
  await assertAccessible(patient, "who can read, after somebody took over");
  await patient.keyboard.press("Escape");
});

test("who had it is told by whom it was taken over, writes and reads no more, and loses no word", async () => {
  await nurse.getByText("Alex Morgan took over your chat with Ana Parker.").first().waitFor();
  const pane = nurse.getByRole("main");
  await pane.getByText("Alex Morgan answers from now on.", { exact: false }).waitFor();
  await pane.getByText("Half a sentence, not").waitFor();
  await nurse.getByRole("complementary").getByText("Alex Morgan").first().waitFor(); // who can read
  assert.equal(await staffBox(nurse).count(), 0, "who is out has a field to write in");
  await staffSays(lead, "Is somebody with you?");
  await patientSays(patient, "My son is here.");
  await sees(lead, "My son is here.");
  await sees(patient, "Is somebody with you?");
  await picture(nurse, "108-taken-over-nurse");
  await assertAccessible(nurse, "a chat that was taken over");
  await nurse.reload();
  await sees(nurse, "Since noon my chest hurts."); // what this browser kept
  await pane.getByText("Alex Morgan answers from now on.", { exact: false }).waitFor();
  assert.deepEqual((await texts(nurse)).filter((text) => /I answer you|somebody with you|My son/.test(text)), [], "who is out reads on");
});

test("T22 an administrator asks for a role with much power, and has not given it", async () => {
  const page = await atSection(pat, "pat.rivera", "people", "People");
  await page.getByRole("link", { name: "Kim Tran" }).click();
  await page.getByRole("button", { name: "Change role, departments or queues" }).click();
  const dialog = page.getByRole("dialog", { name: "Change role, departments or queues" });
  await dialog.getByLabel("Role", { exact: true }).selectOption({ label: "Supervisor" });
  await dialog.getByLabel("Why").fill("Kim leads the front desk from Monday.");
  await picture(page, "105-role-asked");
  await assertAccessible(page, "a role is asked for");
  await dialog.getByRole("button", { name: "Ask for it" }).click();
  await page.getByText("Asked. Somebody else approves it.").waitFor();
  await page.goto(`${demo.origin}/admin/#/requests`);
  await page.getByRole("button", { name: "Kim Tran" }).click();
  await page.getByRole("dialog").getByText("You asked for this.", { exact: false }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0, "nobody approves what they asked for");
});

test("T22 the compliance officer is told, and approves it", async () => {
  const page = await atSection(robin, "robin.diaz", "requests", "Requests");
  await page.getByRole("button", { name: "Kim Tran" }).click();
  const dialog = page.getByRole("dialog", { name: "To be: Supervisor" });
  await dialog.getByText("Kim leads the front desk from Monday.").waitFor();
  await picture(page, "106-role-approved");
  await assertAccessible(page, "a request");
  await dialog.getByRole("button", { name: "Approve" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByText("Approved, and in the log.").first().waitFor();
  await page.goto(`${demo.origin}/admin/#/people`);
  await page.getByRole("row").filter({ hasText: "Kim Tran" }).getByText("Supervisor").waitFor();
});

test("T22 the compliance officer asks who can read the chat, and why", async () => {
  const link = await lead.getByRole("link", { name: "Who else could read it, and why" }).getAttribute("href");
  const page = await robin.open(demo.origin + link);
  await heading("Who can read this chat, and why")(page).waitFor();
  const of = (name) => page.getByRole("row").filter({ hasText: name });
  for (const [name, way] of Object.entries({ "Alex Morgan": "Reads now", "Dana Ortiz": "What was said until they left", "Pat Rivera": "Can not read" })) {
    await of(name).getByText(way, { exact: true }).waitFor();
  }
  await of("Alex Morgan").getByRole("listitem").first().waitFor(); // by which rule
  assert.equal(await page.getByText("Since noon my chest hurts.").count(), 0);
  await picture(page, "109-who-can-read-and-why");
  await assertAccessible(page, "who can read, and why");
});

test("nothing on any page was refused, reported or asked of others", () => {
  for (const person of everybody) person.assertClean();
});
