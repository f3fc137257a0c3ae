// A large file: seen on its way, through a lost line and a reload, whole when it
// is there, and gone where somebody thinks better of it.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { desktop, launch, Person, phone, picture } from "./browser.mjs";
import { beginChat, patientBox, patientSays, riverside, sees, signIn, takeNext } from "./people.mjs";
import { Demo } from "./server.mjs";

let demo, browser, ana, dana, patient, nurse, most;
/** Where in its file each piece began that was sent. */
const offsets = [];
/** Of each piece, in ms. */
let slowness = 80;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  most = (await (await fetch(`${demo.origin}/v1/practices/riverside`)).json()).max_file_bytes;
  ana = await Person.arrive(browser, { name: "Ana", origins: [demo.origin], ...phone });
  dana = await Person.arrive(browser, { name: "Dana", origins: [demo.origin], ...desktop });
  // A line that is slow enough to look at.
  await ana.context.route("**/v1/attachments/*", async (route) => {
    if (route.request().method() === "PATCH") {
      offsets.push(Number(route.request().headers()["upload-offset"]));
      await new Promise((resolve) => setTimeout(resolve, slowness));
    }
    await route.continue().catch(() => {}); // cut off or cancelled meanwhile
  });
  patient = await ana.open(demo.origin + riverside);
  await beginChat(patient, { name: "Ana Parker" });
  await patientSays(patient, "Here is the scan.");
  nurse = await dana.open(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, "Here is the scan.");
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

const pdf = (size) => Buffer.concat([Buffer.from("%PDF-1.4\n"), randomBytes(size - 9)]);
const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");

async function send(name, bytes) {
  const file = path.join(demo.folder, name);
  await writeFile(file, bytes);
  await patient.locator("input[type=file]").first().setInputFiles(file);
  await patient.getByRole("button", { name: /^Send .*file/ }).click();
}

/** The part that is done, from 0 to 1, each time that it has grown, until it is at least as far. */
async function rises(name, far) {
  const bar = patient.getByRole("progressbar", { name: new RegExp(name) });
  await bar.waitFor();
  const seen = [await bar.evaluate(({ value }) => value)];
  while (seen.at(-1) < far) {
    const done = await bar.evaluate(({ value }) => value);
    if (done !== seen.at(-1)) seen.push(done);
    await patient.waitForTimeout(20);
  }
  assert.deepEqual(seen, [...seen].sort((a, b) => a - b), "the part that is done has shrunk");
  return seen;
}

test("the largest file goes up in steps, through a cut line and a reload, and arrives whole", async () => {
  assert.ok(most >= 25_000_000, `the most is ${most}`);
  const file = pdf(most);
  await send("scan.pdf", file);
  const seen = await rises("scan.pdf", 0.4);
  slowness = 400;
  assert.ok(seen.length > 3, `seen of it: ${seen}`);
  await picture(patient, "70-file-on-its-way");

  const again = ana.allow(/ERR_INTERNET_DISCONNECTED|WebSocket connection|Failed to load resource/);
  await ana.context.setOffline(true);
  slowness = 80;
  await patient.waitForTimeout(800);
  const before = offsets.length;
  await patient.reload({ waitUntil: "domcontentloaded" }).catch(() => {});
  await ana.context.setOffline(false);
  await patient.goto(demo.origin + riverside);
  const go = patient.getByRole("button", { name: "Continue my chat" });
  await go.or(patientBox(patient)).first().waitFor();
  if (await go.isVisible()) await go.click();

  const there = nurse.getByRole("log").getByRole("button", { name: /scan\.pdf/ });
  await there.waitFor({ timeout: 90_000 });
  assert.ok(offsets.length > before && offsets[before] > 0, `it began anew: ${offsets}`);
  const [download] = await Promise.all([nurse.waitForEvent("download", { timeout: 60_000 }), there.click()]);
  assert.equal(sum(await readFile(await download.path())), sum(file));
  again();
});

test("one that is cancelled on its way is gone, and nothing of it is left to send", async () => {
  slowness = 1000;
  await send("wrong.pdf", pdf(8_000_000));
  await rises("wrong.pdf", 0.2);
  await patient.getByRole("log").locator("li.line").filter({ hasText: "wrong.pdf" }).getByRole("button", { name: "Cancel" }).click();
  await patient.getByText("wrong.pdf").first().waitFor({ state: "detached" });
  slowness = 80;
  await patient.waitForTimeout(1500); // a piece may be on its way
  const before = offsets.length;
  await patient.reload();
  const go = patient.getByRole("button", { name: "Continue my chat" });
  await go.or(patientBox(patient)).first().waitFor();
  if (await go.isVisible()) await go.click();
  await patientSays(patient, "That was all.");
  await sees(nurse, "That was all.");
  assert.equal(offsets.length, before, "it goes on");
  for (const page of [patient, nurse]) assert.equal(await page.getByText("wrong.pdf").count(), 0);
});

test("a text that is too long for one message is neither cut off nor sent", async () => {
  const text = "word ".repeat(6600);
  for (const [page, box] of [[patient, patientBox(patient)], [nurse, nurse.locator("form.composer textarea")]]) {
    await box.fill(text);
    await page.getByText("This is too long for one message.").waitFor();
    await box.press("Enter");
    assert.equal((await box.inputValue()).trim(), text.trim()); // on a phone, Enter makes a new line
    assert.ok(await page.locator("form.composer button[type=submit]").isDisabled());
    await box.fill("");
    await page.getByText("This is too long for one message.").waitFor({ state: "detached" });
  }
});

test("nothing was refused, reported or asked of others", () => {
  for (const person of [ana, dana]) person.assertClean();
});
