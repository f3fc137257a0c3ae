// What the reports about a patient say in words.

import type * as api from "../../../api/schema.ts";
import { roleName } from "../../../staff/names.ts";
import { language, t, type WordKey } from "../../../ui/words.svelte.ts";

const ways: Record<api.Sighting["way"], WordKey> = {
  read: "admin.access.read",
  file: "admin.access.file",
  joined: "admin.access.joined",
  emergency: "admin.access.emergency",
  record: "admin.access.record",
  patient: "admin.access.looked",
  state: "admin.access.state",
  log: "admin.access.log",
  tried: "admin.access.tried",
};
export const wayName = (way: api.Sighting["way"]): string => t(ways[way]);

const others: Record<string, WordKey> = { operator: "admin.access.operator", system: "admin.access.system", service: "admin.access.system" };

/** Who it was: as what, for who has no name here. */
export function whoName(s: api.Sighting): string {
  if (s.own) return t("admin.access.own");
  const other = others[s.role];
  return s.name ?? (other ? t(other) : roleName(s.role));
}

export type Purpose = api.RecordDisclosure["purpose"];
const purposeKeys: Record<Purpose, WordKey> = {
  "required-by-law": "admin.access.requiredByLaw",
  "public-health": "admin.access.publicHealth",
  abuse: "admin.access.abuse",
  oversight: "admin.access.oversight",
  court: "admin.access.court",
  police: "admin.access.police",
  decedents: "admin.access.decedents",
  research: "admin.access.research",
  threat: "admin.access.threat",
  government: "admin.access.government",
  "workers-compensation": "admin.access.workersCompensation",
  breach: "admin.access.breach",
  other: "admin.access.otherPurpose",
};
export const purposes = Object.keys(purposeKeys) as Purpose[];
export const purposeName = (purpose: string): string => t(purposeKeys[purpose as Purpose] ?? "admin.access.notSaid");

export function moment(at: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(at);
}
export function dayOf(at: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium" }).format(at);
}

/** The middle of a day that a form gives: it is that day in every time zone of the country. */
export function noonOf(day: string): number | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!parts) return undefined;
  const noon = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]), 12).getTime();
  return Math.min(noon, Date.now()); // today may not have come so far
}
