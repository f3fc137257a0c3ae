// What the explorer says of events. What a kind means comes from the server in
// English, and is marked as such.

import { language, t, type WordKey } from "../../../ui/words.svelte.ts";

const categoryKeys: Record<string, WordKey> = {
  security: "admin.audit.security",
  access: "admin.audit.access",
  consent: "admin.audit.consent",
  membership: "admin.audit.membership",
  keys: "admin.audit.keys",
  policy: "admin.audit.policy",
  export: "admin.audit.export",
  system: "admin.audit.system",
};
export const categories = Object.keys(categoryKeys);
export const categoryName = (category: string): string => t(categoryKeys[category] ?? "admin.audit.system");

const outcomeKeys: Record<string, WordKey> = { done: "admin.audit.done", refused: "admin.audit.refused", failed: "admin.audit.failed" };
export const outcomes = Object.keys(outcomeKeys);
export const outcomeName = (outcome: string): string => t(outcomeKeys[outcome] ?? "admin.audit.failed");

export function moment(at: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "medium" }).format(at);
}
