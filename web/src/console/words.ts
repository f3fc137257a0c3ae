// Small phrases that several screens need.

import type { Conversation, PersonId, Verification } from "../core/shared/protocol.ts";
import { language, learn, t, type Catalogues, type WordKey } from "../ui/words.svelte.ts";
import type { Practice, Queue } from "../staff/account.ts";
import { roleName } from "../staff/names.ts";
import type { Desk } from "./desk.svelte.ts";
import { memberOf, patientName, tagOf } from "./model/names.ts";

/** The patient's name, or what tells them apart until it is known. */
export function titleOf(c: Conversation): string {
  return patientName(c) || t("console.card.patient", { tag: tagOf(c.patient) });
}

/** How far the practice knows who the patient is. What has lapsed does not count. */
export function levelWords(of: Verification | undefined, now: number): WordKey {
  const level = of && (of.until === undefined || of.until > now) ? of.level : "guest";
  return ({ guest: "console.identity.guest", contact: "console.identity.contact", matched: "console.identity.matched", "signed-in": "console.identity.signedIn" } as const)[level];
}

/** Why the patient writes, in the reader's language. */
export function reasonOf(c: Conversation, practice: Practice | undefined): string {
  return queueNamed(practice, c.queue);
}

export function queueNamed(practice: Practice | undefined, id: string): string {
  const queue = practice?.queues.find((q) => q.id === id);
  return queue ? queueReason(queue) : id;
}

export function queueReason(queue: Queue): string {
  return queue.reason[language()] ?? queue.reason.en ?? queue.id;
}

export function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames([language()], { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** Somebody of a chat, also one who has left it. */
export function personName(desk: Desk, c: Conversation, person: PersonId): string {
  const member = memberOf(c, person);
  if (member?.name) return member.name;
  if (person === desk.me && desk.session.person.name) return desk.session.person.name;
  if (person === c.patient) return t("console.card.patient", { tag: tagOf(person) });
  const before = desk.remembered(person);
  if (before) return before.name;
  if (member?.kind === "service") return t("console.details.archive");
  return member ? roleName(member.role) : t("console.details.colleague");
}

const rareWords: Catalogues = {
  en: () => import("virtual:words/console.rare/en"),
  es: () => import("virtual:words/console.rare/es"),
  ar: () => import("virtual:words/console.rare/ar"),
};

/** A dialog that few people open, with its words. */
export async function withWords<T>(dialog: Promise<T>): Promise<T> {
  await learn(rareWords);
  return dialog;
}
