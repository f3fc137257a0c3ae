// Staff sign in at a real OpenID provider: PKCE, two factors shown in the token,
// roles by groups, and a console that ends when the provider says so.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import Provider from "oidc-provider";
import { assertAccessible, desktop, launch, Person, picture } from "./browser.mjs";
import { inside } from "./people.mjs";
import { Demo, freePorts, root } from "./server.mjs";

const secret = "a-secret-of-the-client-0123456789";
let demo, browser, idp, issuer;
/** What the person at the provider has shown, and where they belong. */
const account = { id: "subject-of-dana", amr: ["pwd", "mfa"], groups: ["Nurses"] };

before(async () => {
  demo = await Demo.start();
  browser = await launch();
  const [port] = await freePorts(1);
  issuer = `http://localhost:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "sotto",
        client_secret: secret,
        redirect_uris: [`${demo.origin}/staff/sso/riverside`],
        post_logout_redirect_uris: [`${demo.origin}/staff/`],
        backchannel_logout_uri: `http://127.0.0.1:${demo.port}/v1/sso/riverside/logout`,
        backchannel_logout_session_required: true,
        require_auth_time: true,
      },
    ],
    // Its own way keeps off addresses of this machine, which is where we are.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ["sub", "groups", "amr"] },
    cookies: { keys: ["key-of-the-provider"] },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        logoutSource: (ctx, form) => {
          ctx.body = `<!doctype html><title>Out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Leave</button>`;
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = "<!doctype html><title>Out</title>";
        },
      },
    },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, groups: account.groups }) }),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  });
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith("/interaction/")) return next();
    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: account.id, amr: account.amr } }, { mergeWithLastSubmission: false });
    ctx.respond = false;
  });
  provider.on("backchannel.error", (_ctx, error) => console.log(`back-channel logout failed: ${error.message}`));
  idp = provider.listen(port, "127.0.0.1");

  const file = JSON.parse(await readFile(path.join(root, "internal/demo/riverside.json"), "utf8"));
  file.access = {
    sso: { name: "Riverside account", issuer, client_id: "sotto", client_secret_env: "SOTTO_TEST_SECRET", groups_claim: "groups" },
    groups: [{ group: "Nurses", role: "nurse", queues: ["care"] }],
  };
  const changed = path.join(demo.folder, "practice.json");
  await writeFile(changed, JSON.stringify(file));
  command("practice", "apply", changed, "--weaken", "origins");
  command("staff", "--practice", "riverside", "identity", "dana.ortiz", account.id);
  // The running server believes what it knows of a practice for some seconds.
  await new Promise((resolve) => setTimeout(resolve, 5500));
});

after(async () => {
  await browser?.close();
  idp?.close();
  idp?.closeAllConnections();
  await demo?.end();
});

function command(...args) {
  const run = spawnSync(path.join(root, "bin", "sotto"), ["--data", path.join(demo.folder, "data"), ...args], {
    encoding: "utf8",
    env: { ...process.env, SOTTO_TEST_SECRET: secret },
  });
  assert.equal(run.status, 0, run.stderr);
}

const arrive = (name) => Person.arrive(browser, { name, origins: [demo.origin, issuer], ...desktop });
const button = (page) => page.getByRole("button", { name: "Sign in with Riverside account" });

test("one factor at the provider is not enough, and the page says so", async () => {
  const person = await arrive("One factor");
  person.allow(/status of 403/);
  account.amr = ["pwd"];
  const page = await person.open(`${demo.origin}/staff/?practice=riverside`);
  await button(page).waitFor();
  await picture(page, "30-sso");
  await assertAccessible(page, "sign-in with a provider");
  await button(page).click();
  await page.getByText("You signed in there with one factor.").first().waitFor();
  assert.equal(new URL(page.url()).search, "", "the answer stays in no address");
  await picture(page, "31-sso-one-factor");
  account.amr = ["pwd", "mfa"];
  person.assertClean();
});

test("a linked person signs in, and out when the provider says so", async () => {
  const person = await arrive("Dana");
  person.allow(/status of 40[14]|WebSocket/); // 404: the provider has no icon
  const page = await person.open(`${demo.origin}/staff/?practice=riverside`);
  await button(page).click();
  await inside(page).waitFor();
  await picture(page, "32-sso-inside");
  // The session ends at the provider, in another tab: the console's is over at once.
  const elsewhere = await person.open(`${issuer}/session/end`);
  await elsewhere.getByRole("button", { name: "Leave" }).click();
  const began = Date.now();
  await page.getByText("Your session is over.").first().waitFor();
  console.log(`from the provider's sign-out to the console's end: ${Date.now() - began} ms`);
  person.assertClean();
});
