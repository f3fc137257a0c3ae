// What those who write and approve consent forms do, in the words that they see.
import assert from "node:assert/strict";

import { signIn } from "./people.mjs";

/** Somebody signs in to the list of forms. */
export async function atForms(person, demo, login) {
  const page = await person.open(`${demo.origin}/admin/?practice=riverside#/consents`);
  await signIn(page, demo.signIn(login), () => page.getByRole("heading", { name: "Consent forms", level: 1 }));
  return page;
}

/** Fills in the parts of a form, by language and label, and goes back to English. */
export async function write(page, words) {
  for (const [language, parts] of Object.entries(words)) {
    await page.getByRole("button", { name: language, exact: true }).click();
    for (const [label, text] of Object.entries(parts)) await page.getByLabel(label, { exact: true }).fill(text);
  }
  await page.getByRole("button", { name: "English", exact: true }).click();
}

/** Takes a step of a version's life, and waits until it is taken; with a reason where the step is not there without one. */
export async function step(page, name, reason) {
  await page.getByRole("button", { name, exact: true }).click();
  const dialog = page.getByRole("dialog", { name });
  const take = dialog.getByRole("button", { name, exact: true });
  if (reason !== undefined) {
    assert.equal(await take.isDisabled(), true, `${name} is there without a reason`);
    await dialog.getByLabel("Reason").fill(reason);
  }
  await take.click();
  await dialog.waitFor({ state: "hidden" });
}
