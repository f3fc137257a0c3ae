// The story that Sotto is for: a patient on a phone and the staff at their desks.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, focused, hears, launch, Person, phone, picture } from "./browser.mjs";
import {
  agreeAndTell, beginChat, bring, patientBox, patientSays, reaches, riverside, sees, sendHeld, signIn, staffBox, staffSays, takeBack, takeNext, texts,
} from "./people.mjs";
import { keepPictures, photoWithPlace, pictureBytes, tracesOfPlace } from "./photo.mjs";
import { Demo, root } from "./server.mjs";

let demo, browser, ana, dana, samuel;
let patient, nurse, doctor;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const origins = [demo.origin, demo.clinic];
  ana = await Person.arrive(browser, { name: "Ana", origins, ...phone });
  dana = await Person.arrive(browser, { name: "Dana", origins, ...desktop });
  samuel = await Person.arrive(browser, { name: "Samuel", origins, ...phone }); // he is on the move
  for (const person of [ana, dana]) await keepPictures(person.context);
});

/** Opens a photo and saves it: nothing that is shown or saved tells where it was taken. */
async function opensWithoutPlace(page, name, magic = "ffd8ff") {
  const small = page.getByRole("button", { name: `Open photo ${name}` });
  await small.waitFor();
  await small.click();
  const viewer = page.getByRole("dialog", { name });
  const shown = { preview: await pictureBytes(small.locator("img")), "opened photo": await pictureBytes(viewer.getByRole("img")) };
  const [download] = await Promise.all([page.waitForEvent("download"), viewer.getByRole("button", { name: "Save to this device" }).click()]);
  shown["saved photo"] = await readFile(await download.path());
  for (const [what, bytes] of Object.entries(shown)) {
    assert.equal(bytes.toString("hex", 0, 3), what === "preview" ? "ffd8ff" : magic, `the ${what} of ${name} is of another kind`);
    assert.deepEqual(tracesOfPlace(bytes), [], `the ${what} of ${name} tells where it was taken`);
  }
  await page.keyboard.press("Escape");
}

/** What `sotto record` prints to whoever has the practice's key. */
function record(...args) {
  const run = spawnSync(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "data"), "record", ...args], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

after(async () => {
  await browser?.close();
  await demo?.end();
});

test("a patient agrees to the form and writes before anybody is there", async () => {
  patient = await ana.open(demo.origin + riverside);
  await patient.getByRole("heading", { name: "Riverside Family Clinic" }).waitFor();
  await picture(patient, "01-welcome");
  await beginChat(patient, { name: "Ana Parker" });
  await patientSays(patient, "My knee hurts since Monday.");
  await reaches(patient, "My knee hurts since Monday.", "Sent");
  await picture(patient, "02-waiting");
});

test("a nurse signs in, takes the conversation, and reads what was written before", async () => {
  nurse = await dana.open(`${demo.origin}/staff/`);
  await nurse.getByRole("heading", { level: 1 }).waitFor();
  await picture(nurse, "03-sign-in");
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await nurse.getByRole("button", { name: "Take the next" }).waitFor();
  await picture(nurse, "04-inbox");
  const card = nurse.locator(".card").first();
  await card.getByText(/^Waiting for \d+ (second|minute)s?$/).waitFor({ state: "attached" });
  assert.match(await card.locator(".age").innerText(), /\d:\d\d/, "how long the patient waits is not to be seen");
  await takeNext(nurse);
  await sees(nurse, "My knee hurts since Monday.");
  await nurse.getByText("Here now").first().waitFor();
  await picture(nurse, "05-taken");
});

test("the patient sees who joined and who can read", async () => {
  await patient.getByText("Nurse Dana Ortiz joined. They can read this chat from now on.").first().waitFor();
  await hears(patient, "Nurse Dana Ortiz joined. They can read this chat from now on.");
  await patient.getByRole("button", { name: "Who can read this chat?" }).click();
  const list = patient.getByRole("dialog");
  const reader = (name) => list.getByRole("listitem").filter({ hasText: name });
  await reader("Dana Ortiz").waitFor();
  await reader("Archive of Riverside Family Clinic").waitFor();
  assert.match(await reader("Dana Ortiz").innerText(), /Nurse/);
  for (const name of ["Dana Ortiz", "Archive of Riverside Family Clinic"]) assert.match(await reader(name).innerText(), /Can read since .*\d:\d\d/, name);
  await picture(patient, "06-who-can-read");
  await patient.keyboard.press("Escape");
});

test("they talk, and each sees how far their words have come", async () => {
  await staffBox(nurse).fill("Hello");
  await hears(patient, "Nurse Dana Ortiz is typing");
  await staffSays(nurse, "Hello Ana. Can you send a photo of it?");
  await sees(patient, "Hello Ana. Can you send a photo of it?");
  await hears(patient, "Nurse Dana Ortiz says: Hello Ana. Can you send a photo of it?");
  await reaches(nurse, "Hello Ana.", "Read");
  await reaches(patient, "My knee hurts since Monday.", "Read");
  await patientBox(patient).pressSequentially("One mo");
  await nurse.getByText("Ana Parker is typing").first().waitFor();
  await hears(nurse, "Ana Parker is typing");
});

test("each takes a message back, and nobody sees it any more (T48)", async () => {
  await patientBox(patient).fill("");
  await patientSays(patient, "not for your eyes");
  await sees(nurse, "not for your eyes");
  await hears(nurse, "Ana Parker says: not for your eyes");
  await takeBack(patient, "not for your eyes");
  await patient.getByRole("dialog", { name: "Take back this message?" }).getByRole("button", { name: "Take back" }).click();
  await nurse.getByText("Message taken back").first().waitFor();
  await staffSays(nurse, "The results of somebody else");
  await sees(patient, "The results of somebody else");
  await reaches(nurse, "The results of somebody else", "Read");
  await staffBox(nurse).press("ArrowUp");
  const dialog = nurse.getByRole("dialog", { name: "Take this message back?" });
  await dialog.getByText("Wrong patient").click();
  await picture(nurse, "06-take-back");
  await dialog.getByRole("button", { name: "Take back" }).click();
  for (const page of [patient, nurse]) {
    await page.getByRole("log").getByText("Message taken back").nth(1).waitFor();
    assert.deepEqual((await texts(page)).filter((text) => /not for your eyes|somebody else/.test(text)), []);
  }
  await picture(patient, "06-taken-back");
});

test("a photo arrives, without the place that was in it", async () => {
  await patientBox(patient).fill("");
  const photos = [await photoWithPlace(patient, "knee.jpg"), await photoWithPlace(patient, "knee.png")];
  const traces = ["the place as text", "the latitude", "the longitude"];
  assert.deepEqual(tracesOfPlace(photos[0].buffer), ["an EXIF segment", ...traces], "there was nothing to remove");
  assert.deepEqual(tracesOfPlace(photos[1].buffer), ["an EXIF chunk", "a text chunk", ...traces], "there was nothing to remove");
  await patient.locator("input[type=file]").first().setInputFiles(photos);
  await patient.getByRole("button", { name: "Send 2 files" }).click(); // both are ready
  await nurse.getByRole("button", { name: "Open photo knee.png" }).waitFor();
  await picture(nurse, "07-photo");
  await picture(patient, "08-photo-sent");
  await opensWithoutPlace(nurse, "knee.jpg");
  await opensWithoutPlace(nurse, "knee.png", "89504e");
});

test("the nurse sends a file, and says why to somebody who has not proved who they are", async () => {
  const letter = { name: "care-plan.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n") };
  await nurse.locator("input[type=file]").first().setInputFiles([letter, await photoWithPlace(nurse, "exercise.jpg")]);
  await nurse.getByRole("list", { name: "Files to send" }).getByRole("listitem").filter({ hasText: "exercise.jpg", hasNotText: "Getting ready" }).waitFor();
  await nurse.getByRole("button", { name: "Send", exact: true }).click();
  await sendHeld(nurse);
  await patient.getByText("care-plan.pdf").first().waitFor();
  await opensWithoutPlace(patient, "exercise.jpg");
});

test("a physician is added by the nurse, reads everything, and the patient is told", async () => {
  doctor = await samuel.open(`${demo.origin}/staff/`);
  await signIn(doctor, demo.signIn("samuel.lee"));
  await doctor.getByRole("link", { name: /^Team/ }).or(doctor.getByRole("tab", { name: /^Team/ })).or(doctor.getByRole("button", { name: /^Team/ })).first().click();
  await doctor.getByText("A health question").first().click();
  await doctor.getByText("has taken this chat").waitFor(); // it is closed to who is not in it
  await bring(nurse, "Samuel Lee");
  await staffBox(doctor).waitFor();
  await sees(doctor, "My knee hurts since Monday.");
  await sees(doctor, "Hello Ana. Can you send a photo of it?");
  await patient.getByText(/Physician Samuel Lee joined/).first().waitFor();
  await staffSays(doctor, "I will call you this afternoon.");
  await sees(patient, "I will call you this afternoon.");
  await sees(nurse, "I will call you this afternoon.");
  await picture(doctor, "09-joined");
});

test("what is typed without a network goes out by itself, once and in order", async () => {
  const again = ana.allow(/ERR_INTERNET_DISCONNECTED|WebSocket connection|Failed to load resource/);
  await ana.context.setOffline(true);
  await patientSays(patient, "first without a line");
  await patientSays(patient, "second without a line");
  await reaches(patient, "second without a line", /Sending|Will send/); // said once it is kept
  await picture(patient, "10-offline");
  await patient.reload({ waitUntil: "domcontentloaded" }).catch(() => {}); // no network: what is open is lost, what is kept is not
  await ana.context.setOffline(false);
  await patient.goto(demo.origin + riverside);
  const go = patient.getByRole("button", { name: "Continue my chat" });
  await go.or(patientBox(patient)).first().waitFor();
  if (await go.isVisible()) await go.click();
  await sees(nurse, "second without a line");
  const said = (await texts(nurse)).filter((t) => t.endsWith("without a line"));
  assert.deepEqual(said, ["first without a line", "second without a line"]);
  again();
});

test("a killed server loses nothing", async () => {
  const again = [ana, dana, samuel].map((person) => person.allow(/ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)|status of 503|WebSocket connection/));
  await patientBox(patient).waitFor();
  await demo.program.stop("SIGKILL");
  await patientSays(patient, "written while the server was dead");
  await staffSays(nurse, "answered while the server was dead");
  demo.program.start();
  await demo.ready();
  for (const page of [nurse, patient, doctor]) page.setDefaultTimeout(120_000); // the pause before it connects again grows
  await sees(nurse, "written while the server was dead");
  await sees(patient, "answered while the server was dead");
  await sees(doctor, "answered while the server was dead");
  const said = (await texts(patient)).filter((t) => t.endsWith("while the server was dead"));
  assert.equal(said.length, 2);
  for (const back of again) back();
});

test("a second tab shows the same chat, and both can write", async () => {
  const second = await ana.open(demo.origin + riverside);
  const go = second.getByRole("button", { name: "Continue my chat" });
  await go.or(patientBox(second)).first().waitFor();
  if (await go.isVisible()) await go.click();
  await sees(second, "Hello Ana. Can you send a photo of it?");
  await patientSays(second, "from the second tab");
  await sees(patient, "from the second tab");
  await patient.close();
  await patientSays(second, "from the tab that is left");
  await sees(nurse, "from the tab that is left");
  patient = second;
});

test("the nurse closes the conversation too early, and opens it again", async () => {
  await nurse.getByRole("button", { name: "Close chat" }).first().click();
  await patient.getByText("Nurse Dana Ortiz ended the chat.").first().waitFor();
  await nurse.getByRole("button", { name: "Open again" }).first().click();
  await staffSays(nurse, "One thing more: do not climb stairs.");
  await sees(patient, "One thing more: do not climb stairs.");
  await patientSays(patient, "I will not.");
  await sees(nurse, "I will not.");
});

test("the nurse closes the conversation, and the patient opens it again", async () => {
  await nurse.getByRole("button", { name: "Close chat" }).first().click();
  const rate = patient.getByRole("button", { name: "Rate this chat" });
  await rate.waitFor();
  await hears(patient, "This chat has ended.");
  await picture(patient, "11-ended");
  await patient.reload(); // to what was over before they came
  await rate.waitFor();
  await patient.waitForTimeout(300);
  assert.equal(await focused(patient), "the page");
  await rate.click();
  await patient.getByRole("radio", { name: "Very good" }).check();
  await patient.getByRole("button", { name: "Send my choice" }).click();
  await patient.getByText("Thank you. We have your choice.").first().waitFor();
  const [copy] = await Promise.all([patient.waitForEvent("download"), patient.getByRole("button", { name: "Save a copy" }).click()]);
  const kept = await readFile(await copy.path(), "utf8");
  assert.match(kept, /My knee hurts since Monday\./);
  assert.ok(!kept.includes("<script"), "a copy runs nothing");
  assert.ok(!kept.includes("not for your eyes"), "what was taken back is not in a copy");
  await patient.getByRole("button", { name: "Open this chat again" }).click();
  await patientSays(patient, "One more question.");
  await reaches(patient, "One more question.", "Sent");
});

test("consent is taken back in two presses, and nobody can write any more", async () => {
  let presses = 0;
  const press = async (button) => {
    presses++;
    await button.click();
  };
  await press(patient.getByRole("button", { name: "My consent" }));
  const asked = patient.getByRole("dialog", { name: "Take back your consent?" });
  await asked.getByText("How long we keep it: As long as the law tells us to keep your health record.").waitFor(); // the form's own words
  await press(asked.getByRole("button", { name: "Take back my consent" }));
  await patient.getByText("You took back your consent.").first().waitFor();
  assert.equal(presses, 2);
  await picture(patient, "12-withdrawn");
});

test("the practice's record holds what was said in the browsers, and is as it was written", async () => {
  const id = /c_[a-z2-7]+/.exec(nurse.url())[0];
  let kept = "";
  for (let tries = 0; tries < 90 && !kept.includes("One more question."); tries++) {
    await nurse.waitForTimeout(tries ? 1000 : 0); // the archive is some seconds behind
    kept = record("show", id, "--purpose", "operations");
  }
  for (const words of ["My knee hurts since Monday.", "I will call you this afternoon.", "second without a line", "written while the server was dead", "One more question.", "knee.jpg", "care-plan.pdf"]) {
    assert.ok(kept.includes(words), `the record does not hold: ${words}`);
  }
  assert.match(record("verify"), /as it was written/);
});

test("another patient leaves a message, and staff see that nobody waits at the screen", async () => {
  const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin], ...phone });
  const page = await bo.open(demo.origin + riverside);
  await page.getByRole("button", { name: "Leave a message" }).click();
  await agreeAndTell(page, { name: "Bo Lind", own: true });
  await page.getByRole("textbox", { name: "Your message" }).fill("Is my letter ready?");
  await page.getByRole("textbox", { name: "Best time to reach you" }).fill("after four");
  await page.getByRole("button", { name: "Leave message" }).click();
  await page.getByRole("heading", { name: "We have your message" }).waitFor();
  await reaches(page, "Is my letter ready?", "Sent");
  await picture(page, "13-left-message");
  await nurse.getByRole("link", { name: /^Waiting/ }).click();
  await nurse.getByText("Left a message").first().waitFor();
  await picture(nurse, "14-left-message");

  // Taken by the nurse and handed to the physician, on his phone.
  await nurse.getByText("Left a message").first().click();
  await nurse.getByRole("main").getByRole("button", { name: "Take", exact: true }).click();
  await sees(nurse, "Is my letter ready?");
  await nurse.getByRole("button", { name: "More actions" }).click();
  await nurse.getByRole("menuitem", { name: "Transfer" }).click();
  const dialog = nurse.getByRole("dialog", { name: "Transfer this chat" });
  await dialog.getByRole("radio", { name: /Samuel Lee/ }).check();
  await dialog.getByRole("button", { name: "Transfer", exact: true }).click();
  await page.getByText(/Physician Samuel Lee joined/).first().waitFor();
  await page.getByText(/Nurse Dana Ortiz left/).first().waitFor();
  await doctor.evaluate(() => (location.hash = "#/mine"));
  await doctor.getByRole("link").filter({ hasText: "Is my letter ready?" }).click();
  await sees(doctor, "Is my letter ready?");
  await picture(doctor, "15-transferred");
  await assertAccessible(doctor, "a chat on a phone, staff");
  await staffSays(doctor, "It is on its way.");
  await sees(page, "It is on its way.");
  assert.equal(await nurse.getByText("It is on its way.").count(), 0, "who handed it over can still read it");
  bo.assertClean();
  await bo.leave();
});

test("nothing on any page was refused, reported or asked of others", () => {
  for (const person of [ana, dana, samuel]) person.assertClean();
});

test("axe finds nothing on the pages of the story", async () => {
  await assertAccessible(patient, "patient");
  await assertAccessible(nurse, "nurse");
});
