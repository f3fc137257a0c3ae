// Small phrases that several screens need.

import type { Conversation, Member, PersonId } from "../core/shared/protocol.ts";
import { language, t, type WordKey } from "../ui/words.svelte.ts";
import type { Practice, Queue } from "./account.ts";
import { patientName, tagOf } from "./model/names.ts";

/** The patient's name, or what tells them apart until it is known. */
export function titleOf(c: Conversation): string {
  return patientName(c) || t("console.card.patient", { tag: tagOf(c.patient) });
}

/** Why the patient writes, in the reader's language. */
export function reasonOf(c: Conversation, practice: Practice | undefined): string {
  const queue: Queue | undefined = practice?.queues.find((q) => q.id === c.queue);
  return queue?.reason[language()] ?? queue?.reason.en ?? c.queue;
}

export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([language()], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

const roles: Partial<Record<string, WordKey>> = {
  patient: "console.role.patient",
  nurse: "console.role.nurse",
  physician: "console.role.physician",
  "front-desk": "console.role.front-desk",
  keeper: "console.role.keeper",
  administrator: "console.role.administrator",
};

export function roleName(role: string): string {
  return t(roles[role] ?? "console.role.other");
}

/** What a member is called; a patient without a name is told apart by a tag. */
export function memberName(member: Member | undefined, person: PersonId): string {
  if (member?.name) return member.name;
  if (member?.kind === "service") return t("console.details.archive");
  if (member && member.kind !== "patient") return roleName(member.role);
  return t("console.card.patient", { tag: tagOf(person) });
}
