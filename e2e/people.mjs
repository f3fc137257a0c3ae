// What the people of the stories do, in the words that they see.
import assert from "node:assert/strict";

export const riverside = "/c/riverside";

/** From the welcome screen to the composer. */
export async function beginChat(page, { name, reason = "A health question", own = true }) {
  await page.getByRole("button", { name: "Start a chat" }).click();
  for (const box of await page.getByRole("checkbox").all()) {
    assert.equal(await box.isChecked(), false, "a consent box is never ticked beforehand");
    await box.check();
  }
  await page.getByRole("button", { name: "I agree, go on" }).click();
  await page.getByLabel("What should we call you?").fill(name);
  await page.getByText(reason, { exact: true }).click();
  await page.getByText(own ? "Yes, it is mine" : "No, others use it").click();
  await page.getByRole("button", { name: "Go to the chat" }).click();
  await patientBox(page).waitFor();
}

export const patientBox = (page) => page.getByRole("textbox", { name: "Your message" });

export async function patientSays(page, text) {
  await patientBox(page).fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}

export async function signIn(page, { login, password }) {
  await page.getByLabel("Practice").fill("riverside");
  await page.getByLabel("Sign-in name").fill(login);
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: /^Account of/ }).waitFor();
}

export const staffBox = (page) => page.getByRole("textbox", { name: /^Message to/ });

export async function staffSays(page, text) {
  await staffBox(page).fill(text);
  await staffBox(page).press("Control+Enter");
}

/** Takes the conversation that has waited longest and waits until it can be read. */
export async function takeNext(page) {
  await page.getByRole("button", { name: "Take the next" }).click();
  await staffBox(page).waitFor();
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
