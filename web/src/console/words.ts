// Small phrases that several screens need.

import type { Conversation, PersonId } from "../core/shared/protocol.ts";
import { language, t, type WordKey } from "../ui/words.svelte.ts";
import type { Factor, Practice, Queue } from "./account.ts";
import type { Desk } from "./desk.svelte.ts";
import { memberOf, patientName, tagOf } from "./model/names.ts";

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

const factors: Readonly<Record<Factor["kind"], WordKey>> = {
  passkey: "console.security.passkey",
  app: "console.security.app",
  password: "console.signIn.password",
};

export function factorName(kind: Factor["kind"]): string {
  return t(factors[kind]);
}

const methods: Readonly<Record<string, WordKey>> = {
  passkey: "console.security.passkey",
  app: "console.security.app",
  "recovery-code": "console.security.recovery",
  "set-up": "console.security.setUp",
};

/** How somebody signed in. */
export function methodName(method: string): string {
  return t(methods[method] ?? "console.security.app");
}

export function roleName(role: string): string {
  return t(roles[role] ?? "console.role.other");
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
