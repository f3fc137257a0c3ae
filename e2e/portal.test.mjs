// Patients sign in at the practice's portal, a real OpenID provider that guards
// a FHIR server: in a page of its own, in a clinic's frame, and with an account
// of which staff have to say whose it is.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import Provider from "oidc-provider";
import { assertAccessible, desktop, launch, Person, phone, picture, pressLauncher } from "./browser.mjs";
import { beginChat, patientSays, riverside, signIn, takeNext } from "./people.mjs";
import { Demo, freePorts, root } from "./server.mjs";

const secret = "a-secret-of-the-client-0123456789";
const numbers = "urn:oid:1.2.36.146.595.217.0.1";
let demo, browser, portal, issuer, nurse;
/** Who is at the portal, and what its FHIR server has of them. */
const account = { id: "ana", numbers: ["R-10412"] };

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const [port] = await freePorts(1);
  issuer = `http://localhost:${port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "sotto", client_secret: secret, redirect_uris: [`${demo.origin}/c/riverside/portal`], require_auth_time: true }],
    scopes: ["openid", "fhirUser", "launch/patient", "patient/Patient.read"],
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], fhirUser: ["fhirUser"] },
    cookies: { keys: ["key-of-the-portal"] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, fhirUser: `${issuer}/fhir/Patient/${id}` }) }),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid fhirUser launch/patient patient/Patient.read");
      await grant.save();
      return grant;
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  });
  provider.use(async (ctx, next) => {
    if (ctx.path === "/fhir/.well-known/smart-configuration") {
      ctx.body = {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        code_challenge_methods_supported: ["S256"],
        capabilities: ["launch-standalone", "sso-openid-connect", "context-standalone-patient"],
      };
    } else if (ctx.path.startsWith("/fhir/Patient/")) {
      assert.match(ctx.get("authorization"), /^Bearer .{20}/);
      ctx.body = { resourceType: "Patient", id: account.id, identifier: account.numbers.map((value) => ({ system: numbers, value })) };
    } else if (ctx.path.startsWith("/interaction/")) {
      await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: account.id } }, { mergeWithLastSubmission: false });
      ctx.respond = false;
    } else {
      await next();
      if (ctx.path === "/token" && ctx.body?.id_token) ctx.body.patient = account.id;
    }
  });
  portal = provider.listen(port, "127.0.0.1");

  const file = JSON.parse(await readFile(path.join(root, "internal/demo/riverside.json"), "utf8"));
  file.embed_origins = [demo.clinic];
  file.identity = {
    ...file.identity,
    portal: { name: "MyRiverside", issuer, client_id: "sotto", client_secret_env: "SOTTO_TEST_SECRET", fhir: `${issuer}/fhir`, record_system: numbers },
  };
  const changed = path.join(demo.folder, "practice.json");
  await writeFile(changed, JSON.stringify(file));
  const run = spawnSync(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "data"), "practice", "apply", changed], {
    encoding: "utf8",
    env: { ...process.env, SOTTO_TEST_SECRET: secret },
  });
  assert.equal(run.status, 0, run.stderr);
  // The running server believes what it knows of a practice for some seconds.
  await new Promise((resolve) => setTimeout(resolve, 5500));
  const dana = await Person.arrive(browser, { name: "Dana", origins: [demo.origin], ...desktop });
  nurse = await dana.open(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
});

after(async () => {
  await browser?.close();
  portal?.close();
  portal?.closeAllConnections();
  await demo?.end();
});

const badge = (words) => nurse.locator("#chat-title").locator("xpath=ancestor::header").getByText(words).waitFor();
/** Takes the chat that has waited longest, beside the one that is open. */
async function next() {
  await nurse.goto(`${demo.origin}/staff/`);
  await takeNext(nurse);
}
const arrive = async (name, context) => {
  const person = await Person.arrive(browser, { name, origins: [demo.origin, demo.clinic, issuer], ...context });
  person.allow(/status of 404/); // the portal has no icon
  return person;
};

/** From the welcome screen to the composer, in another language. */
async function beginIn(page, language, reason, name) {
  const words = JSON.parse(await readFile(path.join(root, `web/locales/${language}.json`), "utf8"));
  const press = (key) => page.getByRole("button", { name: words[key] }).click();
  await press("patient.start");
  await page.getByRole("checkbox").first().waitFor();
  for (const box of await page.getByRole("checkbox").all()) await box.check();
  await press("patient.consent.agree");
  await page.locator("input[type=text]").first().fill(name);
  await page.getByText(reason, { exact: true }).click();
  await page.getByText(words["patient.about.device.yes"]).click();
  await press("patient.about.go");
}

test("a patient signs in at the portal and is known on both sides", async () => {
  const ana = await arrive("Ana", phone);
  const page = await ana.open(demo.origin + riverside);
  await beginChat(page, { name: "Ana" });
  await patientSays(page, "hello");
  await takeNext(nurse);
  await badge("Not checked");
  await page.getByRole("button", { name: "Who are you?" }).click();
  const button = page.getByRole("button", { name: "Sign in with MyRiverside" });
  await button.waitFor();
  await assertAccessible(page, "the portal is offered");
  await picture(page, "46-portal");
  await button.click();
  const known = page.getByRole("dialog", { name: "How we know you" });
  await known.getByText("Riverside Family Clinic knows who you are.").waitFor();
  assert.equal(page.url(), demo.origin + riverside, "the answer stays in no address");
  assert.equal(await page.evaluate(() => JSON.stringify({ ...sessionStorage })).then((kept) => /portal/.test(kept)), false, "the attempt is kept");
  await assertAccessible(page, "signed in at the portal");
  await known.getByRole("button", { name: "Close" }).last().click();
  await page.getByRole("button", { name: "We know you" }).waitFor();
  await picture(page, "47-portal-known");
  await badge("Signed in");
  await nurse.getByText("R-10412").waitFor();
  ana.assertClean();
  await ana.leave();
});

test("in a clinic's page the portal opens beside it", async () => {
  account.id = "bo";
  account.numbers = ["R-10977"];
  const bo = await arrive("Bo", { ...desktop, locale: "es-ES" });
  const page = await bo.open(`${demo.clinic}/`);
  await page.getByRole("heading").first().waitFor();
  const chat = await pressLauncher(page, riverside);
  await beginIn(chat, "es", "Una pregunta de salud", "Bo");
  await chat.getByRole("button", { name: "¿Quién es usted?" }).click();
  const opened = bo.context.waitForEvent("page");
  await chat.getByRole("button", { name: "Entrar con MyRiverside" }).click();
  const beside = await opened;
  if (!beside.isClosed()) await beside.waitForEvent("close");
  await chat.getByRole("button", { name: "Le conocemos" }).waitFor({ state: "attached" });
  await picture(page, "48-portal-frame");
  await assertAccessible(page, "signed in at the portal, in a frame");
  bo.assertClean();
  await bo.leave();
});

test("an account that is nobody's yet waits for staff", async () => {
  await next(); // Bo's chat waits first
  account.id = "layla";
  account.numbers = [];
  const layla = await arrive("Layla", { ...phone, locale: "ar" });
  const page = await layla.open(demo.origin + riverside);
  await beginIn(page, "ar", "سؤال عن الصحة", "ليلى");
  await page.getByRole("button", { name: "من أنت؟" }).click();
  await page.getByRole("button", { name: "الدخول عبر MyRiverside" }).click();
  await page.getByText("سجّلت الدخول عبر MyRiverside").first().waitFor();
  await assertAccessible(page, "the account waits");
  await picture(page, "49-portal-waits");
  await next();
  await nurse.getByLabel("Record number on file").fill("R-11530");
  await assertAccessible(nurse, "whose portal account");
  await picture(nurse, "50-portal-link");
  await nurse.getByRole("button", { name: "This patient’s" }).click();
  await badge("Signed in");
  await page.getByRole("button", { name: "نعرفك" }).waitFor({ state: "attached" });
  await picture(page, "51-portal-linked");
  layla.assertClean();
});

test("T29f: an answer that nobody here asked for does nothing", async () => {
  const mallory = await arrive("Mallory's victim", desktop);
  const page = await mallory.open(`${demo.origin}/c/riverside/portal?code=stolen&state=planted`);
  await page.getByRole("button", { name: "Start a chat" }).waitFor();
  assert.equal(page.url(), demo.origin + riverside);
  mallory.assertClean();
});
