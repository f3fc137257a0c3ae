// How staff sign in: with a passkey, or with a password and a code, and never
// with less.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, picture } from "./browser.mjs";
import { addAuthenticator, beginChat, freshCode, inside, patientSays, riverside, sees, signIn, staffBox, takeNext } from "./people.mjs";
import { Demo, root } from "./server.mjs";

let demo, browser;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

const arrive = (name) => Person.arrive(browser, { name, origins: [demo.origin, demo.clinic], ...desktop });

/** What an administrator does from the command line. */
function staffCommand(...args) {
  const run = spawnSync(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "data"), "staff", "--practice", "riverside", ...args], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

/** A set-up link, as an administrator gets it from the command line. */
const setUpLink = (...args) => demo.origin + /\/staff\/#setup=\S+/.exec(staffCommand(...args))[0];

async function signOut(page) {
  await inside(page).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByLabel("Sign-in name").waitFor();
}

test("the demo shows a code that works, once", async () => {
  const person = await arrive("Dana");
  person.allow(/status of 401/);
  const page = await person.open(`${demo.clinic}/sign-ins`);
  await picture(page, "20-demo-sign-ins");
  await assertAccessible(page, "demo sign-ins");
  const code = spawnSync(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "data"), "demo", "code", "dana.ortiz"], { encoding: "utf8" });
  assert.match(code.stdout, /^\d{6} /);
  const staff = await person.open(`${demo.origin}/staff/`);
  await signIn(staff, demo.signIn("dana.ortiz"));
  const again = await (await arrive("Thief")).open(`${demo.origin}/staff/`);
  await picture(again, "21-sign-in");
  await assertAccessible(again, "sign-in");
  person.assertClean();
});

test("T23: a cookie that was carried to another browser opens nothing", async () => {
  const owner = await arrive("Owner");
  owner.allow(/status of 401/);
  const page = await owner.open(`${demo.origin}/staff/`);
  await signIn(page, demo.signIn("samuel.lee"));
  await inside(page).waitFor();
  const thief = await arrive("Thief");
  thief.allow(/status of 401/);
  const cookies = await page.context().cookies();
  assert.ok(cookies.some((c) => c.name === "__Host-sotto_staff"));
  await thief.context.addCookies(cookies);
  const elsewhere = await thief.open(`${demo.origin}/staff/`);
  await elsewhere.getByLabel("Sign-in name").waitFor();
  const look = (at) => at.evaluate(async () => (await fetch("/v1/staff/session")).status);
  assert.equal(await look(elsewhere), 401);
  assert.equal(await look(page), 401); // the key is the page's to use, not the cookie's to bring
  await page.reload();
  await inside(page).waitFor(); // in its own browser it goes on
});

test("T28: a wrong code and a wrong password look alike", async () => {
  const person = await arrive("Guesser");
  person.allow(/status of 401/);
  const said = [];
  for (const [password, code] of [["wrong wrong wrong", "000000"], [demo.signIn("samuel.lee").password, "000000"]]) {
    const page = await person.open(`${demo.origin}/staff/?practice=riverside`);
    await page.getByLabel("Sign-in name").fill("samuel.lee");
    await page.getByRole("textbox", { name: "Password" }).fill(password);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByLabel("Code", { exact: true }).fill(code);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    const banner = page.getByText("That did not work.").last();
    await banner.waitFor();
    said.push((await banner.innerText()).replace(/Ref .*/, ""));
    await page.close();
  }
  assert.equal(said[0], said[1]);
});

test("a new colleague sets up a password and an app, and keeps recovery codes", async () => {
  const person = await arrive("Priya");
  const page = await person.open(setUpLink("add", "priya.rao", "--name", "Priya Rao", "--title", "Nurse"));
  await page.getByRole("button", { name: "Use a password and an app instead" }).click();
  const field = page.getByRole("textbox", { name: "Password" });
  // ASVS 6.2.6, 6.2.7: hidden until it is shown, pasted into, and known to password managers.
  assert.deepEqual([await field.getAttribute("type"), await field.getAttribute("autocomplete")], ["password", "new-password"]);
  await person.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.evaluate(() => navigator.clipboard.writeText("pasted herons"));
  await field.press("ControlOrMeta+v");
  assert.equal(await field.inputValue(), "pasted herons");
  await page.getByRole("button", { name: "Show password" }).click();
  assert.equal(await field.getAttribute("type"), "text");
  await page.getByRole("button", { name: "Hide password" }).click();
  assert.equal(await field.getAttribute("type"), "password");
  await field.fill("password1");
  await page.getByText("Too easy to guess.").waitFor();
  await picture(page, "22-weak");
  await field.fill("seven grey herons at noon");
  await page.getByText("Very strong").waitFor();
  await assertAccessible(page, "set-up, password");
  await page.getByRole("button", { name: "Next" }).click();
  const secret = (await page.locator("code").innerText()).replace(/\s/g, "");
  await page.getByRole("img", { name: /^QR code/ }).waitFor();
  await picture(page, "23-app");
  await assertAccessible(page, "set-up, app");
  await page.getByLabel("Code that the app shows").fill(await freshCode(secret));
  await page.getByRole("button", { name: "Finish" }).click();
  await page.getByRole("heading", { name: "Keep your recovery codes" }).waitFor();
  const codes = await page.getByRole("listitem").allInnerTexts();
  assert.equal(codes.length, 10);
  await picture(page, "24-codes");
  await assertAccessible(page, "recovery codes");
  await page.getByRole("button", { name: "I have kept them" }).click();
  await inside(page).waitFor();

  const elsewhere = await (await arrive("Priya, without her phone")).open(`${demo.origin}/staff/?practice=riverside`);
  await elsewhere.getByLabel("Sign-in name").fill("priya.rao");
  assert.equal(await elsewhere.getByRole("textbox", { name: "Password" }).getAttribute("autocomplete"), "current-password");
  await elsewhere.getByRole("textbox", { name: "Password" }).fill("seven grey herons at noon");
  await elsewhere.getByRole("button", { name: "Next" }).click();
  await elsewhere.getByLabel("Code", { exact: true }).fill(codes[0].toUpperCase());
  await elsewhere.getByRole("button", { name: "Sign in", exact: true }).click();
  await inside(elsewhere).waitFor();
  person.assertClean();
});

test("another sets up a passkey, and signs in with it", async () => {
  const person = await arrive("Omar");
  const page = await person.open("about:blank");
  const authenticator = await addAuthenticator(page);
  await page.goto(setUpLink("add", "omar.haddad", "--name", "Omar Haddad", "--title", "Physician"));
  await picture(page, "25-set-up");
  await assertAccessible(page, "set-up");
  await page.getByRole("button", { name: "Create a passkey" }).click();
  // The keeper certifies no browser of somebody with a passkey that it has not vouched for.
  await page.getByRole("button", { name: "Confirm this browser" }).waitFor();
  await picture(page, "25b-confirm");
  await assertAccessible(page, "confirm this browser");
  await page.getByRole("button", { name: "Confirm this browser" }).click();
  await inside(page).waitFor();
  const [credential] = await authenticator.credentials();
  assert.equal(credential.isResidentCredential, true);
  assert.equal(credential.rpId, "localhost");
  await inside(page).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await inside(page).waitFor();

  person.allow(/status of (401|409)|WebSocket connection/);
  await page.goto(`${demo.origin}/staff/#/settings`);
  await page.getByRole("heading", { name: "Sign-in and security" }).waitFor();
  await page.getByText("Where you are signed in").waitFor();
  await page.getByRole("button", { name: /^Remove Passkey/ }).click();
  await page.getByText("This is your last way to sign in.").first().waitFor();
  await picture(page, "27-security");
  await assertAccessible(page, "security");

  // A locked screen opens to its owner's finger alone, also after a reload.
  await page.keyboard.press("Control+Shift+L");
  await page.getByRole("heading", { name: "Locked" }).waitFor();
  await picture(page, "26-locked");
  await assertAccessible(page, "locked");
  await page.reload();
  await authenticator.verified(false);
  await page.getByRole("button", { name: "Use your passkey" }).click();
  await page.getByRole("button", { name: "Use your passkey", disabled: false }).waitFor(); // it was refused
  await page.getByRole("heading", { name: "Locked" }).waitFor();
  await authenticator.verified(true);
  await page.getByRole("button", { name: "Use your passkey" }).click();
  await inside(page).waitFor();
  person.assertClean();
});

test("a sign-in from another browser is told on the first, which can end it", async () => {
  const lead = demo.signIn("alex.morgan"); // who did not sign in before: no other sign-in is told of
  const [first, second] = [await arrive("Alex"), await arrive("Alex, or somebody else")];
  const page = await first.open(`${demo.origin}/staff/`);
  await signIn(page, lead);
  const other = await second.open(`${demo.origin}/staff/`);
  await signIn(other, lead);
  const notice = page.getByRole("status").filter({ hasText: "New sign-in to your account" });
  await notice.first().waitFor();
  await picture(page, "28-sign-in-told");
  await assertAccessible(page, "told of a sign-in");
  // Each is told of the other, and of the other alone: neither calls itself known.
  await other.getByText("New sign-in to your account").first().waitFor();
  for (const each of [page, other]) assert.equal(await each.getByText("New sign-in to your account").count(), 1, "a session is told of itself");

  // Seeing it, here or in the settings, is not to know it: only a press is.
  await page.goto(`${demo.origin}/staff/#/settings`);
  await page.getByText("Where you are signed in").first().waitFor();
  await page.reload();
  await notice.first().waitFor();

  second.allow(/status of 401|WebSocket connection/);
  await page.getByRole("button", { name: "Not me" }).click();
  await page.getByText("First, sign that browser out.").waitFor();
  await page.getByRole("button", { name: /^Sign out Chrom/ }).click();
  await page.getByText("Nobody is signed in there now.").first().waitFor();
  await other.getByLabel("Sign-in name").waitFor();
  await picture(page, "29-signed-out-elsewhere");
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Done" }).waitFor({ state: "hidden" });

  first.assertClean();
});

test("what is signed out or removed in the settings is at the sign-in page at once", async () => {
  const kim = demo.signIn("kim.tran"); // who did not sign in before
  const [first, second] = [await arrive("Kim"), await arrive("Kim at home")];
  const page = await first.open(`${demo.origin}/staff/`);
  await signIn(page, kim);
  const other = await second.open(`${demo.origin}/staff/`);
  second.allow(/status of 401|WebSocket connection/);
  await signIn(other, kim);
  await page.getByRole("button", { name: "It was me" }).click();
  await page.getByText("New sign-in to your account").first().waitFor({ state: "hidden" });
  await page.reload();
  await inside(page).waitFor();

  const settings = async () => {
    await page.goto(`${demo.origin}/staff/#/settings`);
    await page.reload();
    await page.getByText("Where you are signed in").first().waitFor();
  };
  const section = (title) => page.getByRole("heading", { name: title }).locator("xpath=following-sibling::ul[1]");
  await settings();
  assert.equal(await page.getByText("New sign-in to your account").count(), 0, "what was said to be known is told again");
  await section("Where you are signed in").getByRole("button", { name: "Sign out" }).click();
  await other.getByLabel("Sign-in name").waitFor();

  await signIn(other, kim);
  await settings();
  await section("Browsers that can read your chats").getByRole("listitem").filter({ hasNotText: "This browser" }).first().getByRole("button", { name: /^Remove/ }).click();
  await other.getByLabel("Sign-in name").waitFor();
  first.assertClean();
});

test("T43: who signs in next in the same browser sees nothing of the one before, and works", async () => {
  const [dana, kim] = [demo.signIn("dana.ortiz"), demo.signIn("kim.tran")];
  const begin = async (name, text) => {
    const page = await (await arrive(name)).open(demo.origin + riverside);
    await beginChat(page, { name });
    await patientSays(page, text);
    return page;
  };
  const shared = await arrive("A shared workstation");
  shared.allow(/status of 40[13]|WebSocket connection/); // what was revoked is refused
  const page = await shared.open(`${demo.origin}/staff/`);
  await begin("Ana Parker", "only for Dana");
  await signIn(page, dana);
  await takeNext(page);
  await sees(page, "only for Dana");
  await signOut(page);

  const ben = await begin("Ben Stone", "only for Kim");
  await signIn(page, kim);
  await takeNext(page);
  await sees(page, "only for Kim");
  await page.goto(`${demo.origin}/staff/#/mine`);
  await page.reload();
  await inside(page).waitFor();
  assert.doesNotMatch(await page.content(), /only for Dana|set up anew/);
  await page.getByText("Ben Stone").first().click();
  await staffBox(page).fill("half an answer");
  await signOut(page);

  await signIn(page, dana);
  await page.goto(`${demo.origin}/staff/#/mine`);
  await page.getByText("Ana Parker").first().click();
  await sees(page, "only for Dana");
  assert.doesNotMatch(await page.content(), /only for Kim|set up anew/);

  await signOut(page);

  // Kim's access ended and began again: the browser is a new device of hers, by
  // itself, once she has had her words from it.
  staffCommand("disable", "kim.tran");
  staffCommand("enable", "kim.tran");
  await patientSays(ben, "for Kim again");
  await signIn(page, kim, () => page.getByRole("heading", { name: "Copy what was not sent" }));
  await page.getByText("half an answer").waitFor();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy all of it" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "Ben Stone\nhalf an answer");
  await page.getByRole("button", { name: "Delete it and go on" }).click();
  await page.getByText("it was set up anew").first().waitFor();
  await page.goto(`${demo.origin}/staff/#/waiting`);
  await takeNext(page);
  await sees(page, "for Kim again");
});
