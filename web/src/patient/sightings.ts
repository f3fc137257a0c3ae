// Who saw a patient's messages, in words and by days. It loads with the sheet
// that shows it.

import type { Sighting, Sightings } from "../core/shared/protocol.ts";
import type { IconName } from "../ui/icons.ts";
import { clock, date, day, daysAgo } from "../ui/time.ts";
import { t, type WordKey } from "../ui/words.svelte.ts";
import type { Session } from "./model/session.ts";

/** A page that says something, or the last one. Throws what the core throws. */
export async function sightings(session: Session, cursor?: string): Promise<Sightings> {
  const { core } = session.inside;
  if (!core) throw new Error("no core");
  let page = await core.sightings(cursor);
  while (page.sightings.length === 0 && page.next) page = await core.sightings(page.next);
  return page;
}

export interface Day {
  readonly at: number;
  readonly seen: readonly Sighting[];
}

/** By the days of this device's calendar, in the order they come in. */
export function byDay(all: readonly Sighting[]): readonly Day[] {
  const days: { at: number; seen: Sighting[] }[] = [];
  for (const one of all) {
    const last = days.at(-1);
    if (last && daysAgo(one.at, last.at) === 0) last.seen.push(one);
    else days.push({ at: one.at, seen: [one] });
  }
  return days;
}

/** "Today · March 2, 2027", or the date alone. */
export function dayWords(language: string, at: number, now: number): string {
  const ago = daysAgo(at, now);
  return ago === 0 || ago === 1 ? `${day(language, at, now)} · ${date(language, at)}` : date(language, at);
}

/** When on its day: from the first time to the last, with the days where they are two. */
export function whenWords(language: string, { at, since, times }: Sighting): string {
  if (times < 2) return clock(language, at);
  return new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).formatRange(Math.min(since, at), at);
}

const ways = new Map<string, WordKey>(Object.entries({
  read: "patient.seen.read",
  file: "patient.seen.file",
  joined: "patient.seen.joined",
  emergency: "patient.seen.emergency",
  record: "patient.seen.record",
  patient: "patient.seen.identity",
  state: "patient.seen.state",
  log: "patient.seen.log",
  tried: "patient.seen.tried",
} satisfies Record<Sighting["way"], WordKey>));
/** A way that a newer hub tells is told as the least that it can be. */
export const wayWords = (way: string): string => t(ways.get(way) ?? "patient.seen.some");

/** What a person is told with care: it was out of the usual. */
export const unusual = (way: string): boolean => way === "emergency" || way === "tried";

const roles = new Map<string, WordKey>(Object.entries({
  nurse: "patient.seen.role.nurse",
  physician: "patient.seen.role.physician",
  "front-desk": "patient.seen.role.desk",
  "medical-assistant": "patient.seen.role.assistant",
  pharmacist: "patient.seen.role.pharmacist",
  therapist: "patient.seen.role.therapist",
  billing: "patient.seen.role.billing",
  interpreter: "patient.seen.role.interpreter",
  agent: "patient.seen.role.agent",
  clinician: "patient.seen.role.clinician",
  supervisor: "patient.seen.role.supervisor",
  compliance: "patient.seen.role.compliance",
  auditor: "patient.seen.role.auditor",
  administrator: "patient.seen.role.administrator",
} satisfies Record<string, WordKey>));
const machines = ["service", "system", "directory"];

export interface Who {
  readonly name: string;
  /** Empty where the name says it. */
  readonly role: string;
  /** Of what is no person with a name. */
  readonly icon?: IconName;
}

/** Who it was, by name and role as far as the hub knows them. */
export function who({ own, name, role }: Sighting, practice: string): Who {
  if (own) return { name: t("patient.you"), role: "", icon: "person" };
  if (role === "keeper") return { name: t("patient.archive.name", { practice }), role: "", icon: "archive" };
  if (machines.includes(role)) return { name: t("patient.seen.system"), role: "", icon: "device" };
  if (role === "operator") return { name: t("patient.seen.operator"), role: "", icon: "settings" };
  if (role === "patient") return { name: t("patient.seen.stranger"), role: "", icon: "person" };
  const known = t(roles.get(role) ?? "patient.seen.role.other");
  return name ? { name, role: known } : { name: known, role: "", icon: "person" };
}
