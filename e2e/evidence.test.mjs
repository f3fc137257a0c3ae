// What proves itself, in a real browser: the compliance officer finds acts in
// the audit log and proves one, looks at the controls and the inventory,
// confirms what a colleague may do, and signs off a period of the log.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, picture } from "./browser.mjs";
import { signIn } from "./people.mjs";
import { Demo, root } from "./server.mjs";

let demo, browser, robin, page;

before(async () => {
  demo = await Demo.start({ reviewsBegan: 40 });
  browser = await launch();
  robin = await Person.arrive(browser, { name: "Robin", origins: [demo.origin], ...desktop });
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

const heading = (name) => page.getByRole("heading", { name, level: 1 });
const rows = () => page.getByRole("table").first().locator("tbody tr");

async function section(path, title) {
  await page.goto(`${demo.origin}/admin/#/${path}`);
  await heading(title).waitFor();
}

test("the compliance officer narrows the audit log to one act", async () => {
  page = await robin.open(`${demo.origin}/admin/?practice=riverside#/audit`);
  await signIn(page, demo.signIn("robin.diaz"), () => heading("Audit log"));
  await rows().nth(3).waitFor();
  const what = page.getByRole("combobox", { name: "What was done" });
  await what.selectOption({ label: "signed in" });
  await page.getByText("What was done: signed in").waitFor();
  assert.match(page.url(), /kind=sign-in\.done/);
  await rows().first().getByText("signed in").waitFor();
  for (const row of await rows().all()) assert.match(await row.innerText(), /Robin Diaz[^]*signed in/);
  await picture(page, "110-audit-narrowed");
  await assertAccessible(page, "the audit log, narrowed to one act");
});

test("T40 an entry is signed at the first look, and proved once the browser knows the log", async () => {
  await page.getByRole("button", { name: /^Not checked\. Check entry/ }).first().click();
  await rows().first().getByText("Signed, not yet anchored").waitFor();
  await page.reload(); // to look was recorded: the log is longer, and begins with what the browser kept
  await page.getByRole("button", { name: /^Not checked\. Check entry/ }).first().click();
  await rows().first().getByText("Proved", { exact: true }).waitFor();
  await page.getByText(/^The log has \d+ entries, and was not rewritten/).waitFor();
  await picture(page, "111-audit-proved");
  await assertAccessible(page, "an entry that is proved");
});

test("the filters are kept by a name, and it is said how many entries match", async () => {
  await page.getByText("Saved views").click();
  await page.getByRole("textbox", { name: "Name for the filters now in use" }).fill("Signing in");
  await page.getByRole("button", { name: "Save view" }).click();
  await page.getByText("The view is saved").waitFor({ state: "attached" }); // said once it is kept
  await section("audit", "Audit log");
  await page.reload();
  const shown = () => page.getByRole("status").filter({ hasText: / of / }).innerText();
  await rows().nth(3).waitFor();
  const [, all] = (await shown()).split(" of ");
  await page.getByText("Saved views").click();
  await page.getByRole("link", { name: "Signing in" }).click();
  await page.getByText("What was done: signed in").waitFor();
  await rows().first().getByText("signed in").waitFor();
  assert.equal(await shown(), `${await rows().count()} of ${await rows().count()}`);
  assert.ok(Number(all.replaceAll(",", "")) > (await rows().count()), "the whole log is not larger");
});

test("T40 the proof of an entry is saved, and checked elsewhere by the log's key", async () => {
  await rows().first().getByRole("rowheader").getByRole("link").click();
  await page.getByRole("button", { name: /Check entry/ }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the proof" }).click()]);
  const key = await page.getByRole("textbox", { name: /^Key of the log/ }).inputValue();
  const checked = spawnSync(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "nowhere"), "audit", "verify", "--proof", await download.path(), "--key", key], { encoding: "utf8" });
  assert.equal(checked.status, 0, checked.stderr);
  assert.match(checked.stdout, /^entry \d+ is one of the \d+ that sotto\/audit\/[^]*"kind":"sign-in\.done"[^]*as it was written/);
  await assertAccessible(page, "an entry whose proof was saved");
});

test("the controls were looked at on the running installation", async () => {
  await section("controls", "Controls");
  await page.getByRole("button", { name: "Look again now" }).click();
  await page.getByText("All controls were looked at.").first().waitFor();
  await picture(page, "112-controls");
  await rows().filter({ hasText: "312(b)" }).getByText("Audit controls").waitFor();
  await page.getByRole("combobox", { name: "State" }).selectOption({ label: "Met" });
  await rows().filter({ hasText: "Unique user identification" }).getByText("Met", { exact: true }).waitFor();
  assert.equal(await rows().filter({ hasText: "Falls short" }).count(), 0);
  await assertAccessible(page, "controls");
});

test("the inventory shows what there is and where data flows", async () => {
  await section("inventory", "Inventory");
  await page.getByRole("table", { name: /flow/i }).getByRole("row").filter({ hasText: "Patients' browsers" }).first().waitFor();
  await page.getByText("Hub's database (SQLite)").last().waitFor();
  await picture(page, "113-inventory");
  await assertAccessible(page, "inventory");
});

test("T22 one person's access is confirmed, by somebody else", async () => {
  await section("reviews", "Reviews");
  await page.getByRole("row").filter({ hasText: "Robin Diaz" }).getByText("Somebody else confirms what you may do.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Keep those ticked" }).isDisabled(), true, "nothing is confirmed unread");
  await page.getByRole("checkbox", { name: "Right as it is: Dana Ortiz" }).check();
  await picture(page, "114-access-review");
  await assertAccessible(page, "review of access");
  await page.getByRole("button", { name: "Keep 1 person as they are" }).click();
  await page.getByText("1 person confirmed, and in the log.").first().waitFor();
  await page.getByRole("row").filter({ hasText: "Dana Ortiz" }).getByText(/Last confirmed .* by Robin Diaz/).waitFor();
});

test("T54 a period of the log that is over is signed off", async () => {
  await section("reviews/log", "Sign-off of the audit log");
  const period = rows().filter({ hasText: "Waits" });
  await period.first().waitFor();
  assert.equal(await period.count(), 1, "one period of thirty days is over after forty");
  await period.getByRole("button").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Look at these in the log before you sign.").waitFor();
  await dialog.getByRole("button", { name: "Sign off" }).click();
  await dialog.getByText("Fill this in.", { exact: false }).or(dialog.locator("[aria-invalid=true]")).first().waitFor();
  await dialog.getByLabel("What was found").fill("Looked at refused sign-ins and exports. Nothing unusual.");
  await picture(page, "115-sign-off");
  await assertAccessible(page, "a period of the log before it is signed off");
  await dialog.getByRole("button", { name: "Sign off" }).click();
  await dialog.waitFor({ state: "hidden" });
  const signed = rows().filter({ hasText: "Nothing unusual." });
  await signed.getByText("Signed off", { exact: true }).waitFor();
  assert.match(await signed.innerText(), /Robin Diaz/);
  await picture(page, "116-signed-off");
  await assertAccessible(page, "a period that is signed off");
});

test("T40 both acts are in the log, found by what was done", async () => {
  await section("audit", "Audit log");
  const what = page.getByRole("combobox", { name: "What was done" });
  for (const kind of ["access.confirmed", "audit.reviewed"]) {
    await what.selectOption(kind);
    await rows().filter({ hasText: "Robin Diaz" }).first().waitFor();
    assert.equal(await rows().count(), 1, kind);
  }
});

test("nothing on the page was refused, reported or asked of others", () => robin.assertClean());
