// The same life of a conversation for a patient at a desk: on the full page,
// and in the panel on the clinic's page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, desktop, launch, Person, picture, pressLauncher } from "./browser.mjs";
import { beginChat, bring, patientBox, patientSays, reaches, riverside, sees, sendHeld, signIn, staffBox, staffSays, takeNext, texts } from "./people.mjs";
import { photoWithPlace } from "./photo.mjs";
import { Demo } from "./server.mjs";

const letter = { name: "letter.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n") };

for (const place of ["full page", "panel"]) {
  test(`a patient at a desk, ${place}`, async (t) => {
    const demo = await Demo.start();
    const browser = await launch();
    t.after(async () => {
      await browser.close();
      await demo.end();
    });
    const origins = [demo.origin, demo.clinic];
    const cy = await Person.arrive(browser, { name: "Cy", origins, ...desktop });
    const dana = await Person.arrive(browser, { name: "Dana", origins, ...desktop });
    const samuel = await Person.arrive(browser, { name: "Samuel", origins, ...desktop });
    const name = place.replace(" ", "-");

    const page = await cy.open(place === "panel" ? `${demo.clinic}/` : demo.origin + riverside);
    const patient = place === "panel" ? await pressLauncher(page, riverside) : page;
    const nurse = await dana.open(`${demo.origin}/staff/`);
    await signIn(nurse, demo.signIn("dana.ortiz"));

    await t.test("agrees, writes, and is taken by a nurse", async () => {
      await beginChat(patient, { name: "Cy Ramos" });
      await patientSays(patient, "My results, please?");
      await reaches(patient, "My results, please?", "Sent");
      await takeNext(nurse);
      await sees(nurse, "My results, please?");
      await patient.getByText("Nurse Dana Ortiz joined. They can read this chat from now on.").first().waitFor();
    });

    await t.test("the nurse reloads without a network, and has a second tab: nothing is lost or doubled", async () => {
      const again = dana.allow(/ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|WebSocket connection|Failed to load resource/);
      await staffSays(nurse, "One moment, please.");
      await sees(patient, "One moment, please."); // what looks at words is there then
      const where = nurse.url();
      await dana.context.setOffline(true);
      await staffSays(nurse, "written without a line");
      await sees(nurse, "written without a line");
      await nurse.reload({ waitUntil: "domcontentloaded" }).catch(() => {}); // no page comes; what was written is kept
      await dana.context.setOffline(false);
      await nurse.goto(where);
      await sees(patient, "written without a line");
      await sees(nurse, "written without a line");
      again();
      const second = await dana.open(where);
      await sees(second, "written without a line");
      await staffSays(second, "from the second tab");
      for (const one of [nurse, patient]) await sees(one, "from the second tab");
      await staffSays(nurse, "from the first tab");
      for (const one of [second, patient]) await sees(one, "from the first tab");
      for (const one of [nurse, second, patient])
        assert.deepEqual((await texts(one)).slice(-3), ["written without a line", "from the second tab", "from the first tab"]);
      await second.close();
    });

    await t.test("a photo and a file go both ways", async () => {
      await patient.locator("input[type=file]").first().setInputFiles([await photoWithPlace(page, "results.jpg"), letter]);
      await patient.getByRole("button", { name: "Send 2 files" }).click(); // both are ready
      await nurse.getByRole("button", { name: /results/ }).first().waitFor();
      await nurse.getByText("letter.pdf").first().waitFor();
      await nurse.locator("input[type=file]").first().setInputFiles({ ...letter, name: "answer.pdf" });
      await nurse.getByRole("button", { name: "Send", exact: true }).click();
      await sendHeld(nurse);
      await patient.getByText("answer.pdf").first().waitFor();
      await picture(page, `40-${name}-files`);
    });

    await t.test("a physician joins and the patient sees who can read", async () => {
      const doctor = await samuel.open(`${demo.origin}/staff/#/team`);
      await signIn(doctor, demo.signIn("samuel.lee"));
      await doctor.evaluate(() => (location.hash = "#/team"));
      await doctor.getByText("A health question").first().click();
      await doctor.getByText("has taken this chat").waitFor(); // it is closed to who is not in it
      await bring(nurse, "Samuel Lee");
      await staffBox(doctor).waitFor();
      await sees(doctor, "My results, please?");
      await patient.getByText(/Physician Samuel Lee joined/).first().waitFor();
      await patient.getByRole("button", { name: "Who can read this chat?" }).click();
      const list = patient.getByRole("dialog");
      for (const reader of ["Dana Ortiz", "Samuel Lee", "Archive of Riverside Family Clinic"]) await list.getByText(reader).first().waitFor();
      await picture(page, `41-${name}-who`);
      await assertAccessible(page, `who can read, ${place}`);
      await page.keyboard.press("Escape");
      await staffSays(doctor, "All is well, Cy.");
      await sees(patient, "All is well, Cy.");
      await staffSays(nurse, "Do you have another question?");
      await sees(patient, "Do you have another question?");
      assert.deepEqual((await texts(patient)).slice(-2), ["All is well, Cy.", "Do you have another question?"]);
    });

    await t.test("closed, and opened again", async () => {
      await nurse.getByRole("button", { name: "Close chat" }).first().click();
      await patient.getByText("This chat has ended.").first().waitFor({ timeout: 60_000 });
      await patient.getByRole("button", { name: "Open this chat again" }).click();
      await patientSays(patient, "Thank you both.");
      await reaches(patient, "Thank you both.", "Sent");
      await picture(page, `42-${name}-end`);
      await assertAccessible(page, `the chat, ${place}`);
    });

    await t.test("the clinic's page learns nothing, and nothing was refused or reported", async () => {
      if (place === "panel") {
        assert.equal(await page.evaluate(() => document.cookie), "");
        assert.equal(await page.evaluate(() => document.documentElement.outerHTML.includes("My results")), false);
      }
      await patientBox(patient).waitFor();
      for (const person of [cy, dana, samuel]) person.assertClean();
    });
  });
}
