// Sentences that need more than one look-up.

import type { Member, NoticeLine, PersonId } from "../core/shared/protocol.ts";
import { weekdayAndClock } from "../ui/time.ts";
import { t } from "../ui/words.svelte.ts";
import type { View } from "./view.svelte.ts";

type People = ReadonlyMap<PersonId, Member>;

/** Whether it is known who somebody is: their name comes after them. */
export function isKnown(member: Member | undefined): member is Member {
  return member !== undefined && (member.me || member.kind === "service" || member.name !== "");
}

/** "Nurse Dana Ortiz": a title that is not part of the name goes before it. */
export function called(member: Member | undefined, practice: string): string {
  if (!isKnown(member)) return t("patient.someone");
  if (member.me) return member.name || t("patient.you");
  if (member.kind === "service") return t("patient.archive.name", { practice });
  if (!member.title || member.name.toLowerCase().startsWith(member.title.toLowerCase())) return member.name;
  return `${member.title} ${member.name}`;
}

/** When somebody is next expected, in a queue or at the practice. Empty if they are now, or nobody knows. */
export function opensWhen({ state, language }: Pick<View, "state" | "language">, queue?: string): string {
  const { practice } = state;
  const at = (practice?.queues.find((each) => each.id === queue) ?? practice)?.opens_at;
  return practice && at ? weekdayAndClock(language, at, practice.time_zone) : "";
}

/** "About 5 to 10 minutes": what is usual, for each of those before and a half more. */
export function waitWords(minutes: number, place = 1): string {
  const from = minutes * Math.max(1, place);
  return t("patient.wait.range", { from, to: Math.ceil((from * 2) / 5) * 5 });
}

export function noticeWords(line: NoticeLine, people: People, practice: string): string {
  const { notice } = line;
  const member = "person" in notice && notice.person ? people.get(notice.person) : undefined;
  const name = called(member, practice);
  switch (notice.kind) {
    case "joined":
      return member?.kind === "service" ? t("patient.notice.archive", { practice }) : t("patient.notice.joined", { name });
    case "left":
    case "removed":
      return t("patient.notice.left", { name });
    case "device-added":
      return member?.me ? t("patient.notice.my-device") : t("patient.notice.device", { name, practice });
    case "device-removed":
      return member?.me ? t("patient.notice.my-device-gone") : t("patient.notice.device-gone", { name });
    case "closed":
      return member?.me ? t("patient.notice.closed.me") : member ? t("patient.notice.closed", { name }) : t("patient.notice.closed.nobody");
    case "reopened":
      return member?.me ? t("patient.notice.reopened.me") : member ? t("patient.notice.reopened", { name }) : t("patient.notice.reopened.nobody");
    case "emergency":
      return t("patient.notice.emergency", { name });
    case "history-shared":
      return t("patient.notice.history", { name, count: notice.count });
    case "gap":
      return t("patient.notice.gap");
    case "refused":
      return t("patient.notice.refused");
  }
}

/** False for a notice that tells a patient nothing: that they are in their own chat. */
export function worthShowing(line: NoticeLine, people: People): boolean {
  return !(line.notice.kind === "joined" && people.get(line.notice.person)?.me);
}

export function joinedWords(people: readonly PersonId[], known: People, practice: string, language: string): string {
  const names = people.map((person) => called(known.get(person), practice));
  return t("patient.notice.joined.many", { names: new Intl.ListFormat(language).format(names) });
}
