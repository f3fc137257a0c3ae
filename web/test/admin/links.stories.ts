// The section "Same person".

import type * as api from "../../src/api/schema.ts";
import { covered } from "./covered.ts";
import { now } from "./server.ts";
import type { Story } from "./story.ts";

const hour = 3_600_000;
const staff: api.Person[] = [
  { id: "p_lee", kind: "staff", role: "supervisor", name: "Lee Okafor", online: true },
  { id: "p_robin", kind: "staff", role: "compliance", name: "Robin Diaz", online: false },
];
const links: api.PersonLink[] = [
  { id: "l_3", person: `p_${"a".repeat(22)}7k2f`, other: `p_${"b".repeat(22)}m9qd`, reason: "same-device-lost", linked_by: "p_lee", linked_at: now - hour },
  { id: "l_2", person: `p_${"a".repeat(22)}c4xz`, other: `p_${"b".repeat(22)}77qa`, reason: "portal-match", linked_by: "p_robin", linked_at: now - 30 * hour },
  { id: "l_1", person: `p_${"a".repeat(22)}31ab`, other: `p_${"b".repeat(22)}x0x0`, reason: "duplicate", linked_by: "p_lee", linked_at: now - 90 * hour, undone_by: "p_robin", undone_at: now - 80 * hour, undone_for: "not-the-same" },
];
const path = "GET /v1/admin/person-links";
const answers: NonNullable<Story["answers"]> = { [path]: { links, staff } };
const undo: NonNullable<Story["then"]> = async (page) => {
  for (let tries = 0; tries < 60 && !document.querySelector("main tbody td button"); tries++) await page.pause(100);
  await page.press("main tbody td button");
};

export const stories: Record<string, Story> = {
  links: { hash: "#/links", as: "compliance", answers: { [path]: { links, staff, next: "5.l_0" } } },
  "links-none": { hash: "#/links", as: "compliance", answers: { [path]: { links: [], staff: [] } } },
  "links-none-here": { hash: "#/links?state=undone", as: "compliance", answers: { [`${path}?state=undone`]: { links: [], staff: [] } } },
  "links-error": { hash: "#/links", as: "compliance", answers: { [path]: { refused: 503, code: "unavailable" } } },
  "links-wait": { hash: "#/links", as: "compliance", answers: { [path]: "never" } },
  "links-undo": { hash: "#/links", as: "compliance", answers, then: undo },
  "links-undo-locked": {
    hash: "#/links",
    as: "compliance",
    answers,
    async then(page) {
      await undo(page);
      await page.press("dialog[open] input[type=radio][value=mistake]");
      await covered(page, () => document.querySelector<HTMLInputElement>("dialog[open] input[type=radio][value=mistake]")?.checked === true);
    },
  },
  "links-undo-why": {
    hash: "#/links",
    as: "compliance",
    answers,
    async then(page) {
      await undo(page);
      await page.press("dialog[open] form button[type=submit]");
    },
  },
};
