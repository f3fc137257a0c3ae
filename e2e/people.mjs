// What the people of the stories do, in the words that they see.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

export const riverside = "/c/riverside";

/** From the welcome screen to the composer. */
export async function beginChat(page, { name, reason = "A health question", own = true }) {
  await page.getByRole("button", { name: "Start a chat" }).click();
  await agreeAndTell(page, { name, reason, own });
}

/**
 * From the form to the composer. Whose device it is may be known already (own is undefined).
 *
 * @param {import("playwright-core").Page | import("playwright-core").Frame} page
 * @param {{ name: string, reason?: string, own?: boolean }} told
 */
export async function agreeAndTell(page, { name, reason = "A health question", own }) {
  await page.getByRole("checkbox").first().waitFor();
  for (const box of await page.getByRole("checkbox").all()) {
    assert.equal(await box.isChecked(), false, "a consent box is never ticked beforehand");
    await box.check();
  }
  await page.getByRole("button", { name: "I agree, go on" }).click();
  await page.getByLabel("What should we call you?").fill(name);
  await page.getByText(reason, { exact: true }).click();
  if (own !== undefined) await page.getByText(own ? "Yes, it is mine" : "No, others use it").click();
  await page.getByRole("button", { name: "Go to the chat" }).click();
  await patientBox(page).waitFor();
}

export const patientBox = (page) => page.getByRole("textbox", { name: "Your message" });

export async function patientSays(page, text) {
  await patientBox(page).fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}

export const inside = (page) => page.getByRole("button", { name: /^Account of/ });

/** With a password and the code of the person's app, as the demo prints them. Waits for what is there then. */
export async function signIn(page, { login, password, app }, arrived = inside) {
  // The name first: it waits for the form, which asks for the practice only where there are several.
  await page.getByLabel("Sign-in name").fill(login);
  const practice = page.getByLabel("Practice");
  if (await practice.isVisible()) await practice.fill("riverside");
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByLabel("Code", { exact: true }).fill(await freshCode(app));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await arrived(page).waitFor();
}

const period = 30_000;
const used = new Map();

/** The code that an authenticator app shows (RFC 6238); each is given once, as each is good once. */
export async function freshCode(secret) {
  let step = Math.floor(Date.now() / period);
  const last = used.get(secret) ?? 0;
  if (step <= last) {
    // The server takes a code of the next period already.
    step = last + 1;
    while (step > Math.floor(Date.now() / period) + 1) await new Promise((resolve) => setTimeout(resolve, 500));
  }
  used.set(secret, step);
  return codeAt(secret, step);
}

function codeAt(secret, step) {
  const bits = [...secret.replace(/\s/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const sum = createHmac("sha1", key).update(counter).digest();
  const at = sum[sum.length - 1] & 0xf;
  return String((sum.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** Gives the page a platform authenticator whose owner always shows a finger. */
export async function addAuthenticator(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("WebAuthn.enable");
  const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return {
    /** Whether the owner's finger is the right one. */
    verified: (isUserVerified) => client.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    credentials: async () => (await client.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    /** Puts passkeys of another device here, as a person's account does. */
    receive: async (credentials) => {
      for (const credential of credentials) await client.send("WebAuthn.addCredential", { authenticatorId, credential });
    },
  };
}

export const staffBox = (page) => page.getByRole("textbox", { name: /^Message to/ });

export async function staffSays(page, text) {
  await staffBox(page).fill(text);
  await staffBox(page).press("Control+Enter");
}

/** Sends what was held back, with a reason. */
export async function sendHeld(page, reason = "They wrote it first themselves") {
  const dialog = page.getByRole("dialog", { name: "Send this now?" });
  await dialog.getByText(reason).click();
  await dialog.getByRole("button", { name: "Send with this reason" }).click();
  await dialog.waitFor({ state: "hidden" });
}

/** Takes the conversation that has waited longest and waits until it can be read. */
export async function takeNext(page) {
  await page.getByRole("button", { name: "Take the next" }).click();
  await staffBox(page).waitFor();
}

/** Somebody in a chat brings a colleague in. */
export async function bring(page, name) {
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Add person" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: new RegExp(name) }).check();
  await dialog.getByRole("button", { name: "Add person" }).click();
  await dialog.waitFor({ state: "hidden" });
}

/** Opens the menu of an own message and chooses to take it back. */
export async function takeBack(page, text) {
  const line = page.getByRole("log").locator("li.line").filter({ hasText: text });
  await line.hover();
  await line.getByRole("button", { name: "Choices for this message" }).click();
  await line.getByRole("menuitem", { name: "Take back" }).click();
}

/** The texts of all messages on the page, oldest first. */
export async function texts(page) {
  return page.getByRole("log").locator("bdi.text").allInnerTexts();
}

/** Waits until a message with the text is on the page. */
export async function sees(page, text) {
  await page.getByRole("log").locator("bdi.text").filter({ hasText: text }).first().waitFor();
}

/** The words beside an own message: Sent, Delivered, Read ... */
export async function stateOf(page, text) {
  const line = page.getByRole("log").locator("li.line").filter({ hasText: text });
  return line.locator(".ticks").innerText();
}

/** Waits until an own message has come so far. */
export async function reaches(page, text, state) {
  await page.getByRole("log").locator("li.line").filter({ hasText: text }).locator(".ticks").filter({ hasText: state }).waitFor();
}
