// Each screen has a story, in which axe looks at it and which people see in
// every language and theme.

import { readdirSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { sections } from "../src/admin/sections.ts";

const here = (path: string) => new URL(path, import.meta.url);
const texts = (folder: string) => readdirSync(here(folder)).filter((name) => name.endsWith(".ts")).map((name) => readFileSync(here(folder + name), "utf8")).join("\n");
/** The components of a folder that are, or open, a dialog. */
const dialogs = (folder: string) => readdirSync(here(folder)).filter((name) => name.endsWith(".svelte") && readFileSync(here(folder + name), "utf8").includes("<Dialog")).map((name) => name.replace(".svelte", ""));

const admin = texts("admin/");
test.each(sections.map((section) => section.id))("the section %s has a story", (id) => {
  expect(admin).toMatch(new RegExp(`hash: ["\`]#/${id}["\`/?]`));
});

// The story, or one of the stories, that opens each.
const ofConsole: Record<string, string> = {
  Because: "details-end", BreakGlass: "break-glass", ChatPane: "take-over", Handover: "transfer", HoldBack: "hold-back", Invite: "invite", Keys: "keys",
  Recall: "chat-recall", Relate: "details-relate", Security: "settings-password", Settings: "settings", Shell: "details",
};
const ofPatient: Record<string, string> = {
  AgreeSheet: "form-changed", AgreementsSheet: "agreements", DevicesSheet: "wrote", FilesSheet: "files", IdentitySheet: "identity", MoreSheet: "more", QuestionSheet: "rate",
  RateSheet: "rate", ReturnSheet: "return", SeenSheet: "seen", Sheets: "more", WhoSheet: "who",
};

test.each([
  ["console", "../src/console/", "console/", ofConsole],
  ["patient", "../src/patient/parts/", "stories/", ofPatient],
] as const)("each dialog of the %s has a story", (_, folder, told, table) => {
  const stories = texts(told);
  const found = dialogs(folder);
  expect(found.length).toBeGreaterThan(5);
  expect(found.filter((name) => !(name in table)), "give it a story, and name that here").toEqual([]);
  expect(Object.values(table).filter((story) => !new RegExp(`^ +"?${story}"?: `, "m").test(stories)), "no such story").toEqual([]);
});
