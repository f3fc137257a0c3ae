// How people are named before and after this device may know who they are.

import type { Conversation, Member, PersonId } from "../../core/shared/protocol.ts";

/**
 * A patient's name is known only inside the conversation. Until then they are
 * told apart by the last characters of an id that means nothing elsewhere.
 */
export function tagOf(person: PersonId): string {
  return person.replace(/^[a-z]_/, "").slice(-4).toUpperCase();
}

export function memberOf(c: Conversation, person: PersonId | undefined): Member | undefined {
  return person === undefined ? undefined : c.members.find((m) => m.person === person);
}

/** The patient's own word for themselves, empty if not known here. */
export function patientName(c: Conversation): string {
  return memberOf(c, c.patient)?.name ?? "";
}

/** Up to two letters for a face without a picture. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter((w) => /[\p{L}\p{N}]/u.test(w));
  const first = words[0];
  if (!first) return "";
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return (letter(first) + (last ? letter(last) : "")).toLocaleUpperCase();
}

function letter(word: string): string {
  return /[\p{L}\p{N}]/u.exec(word)?.[0] ?? "";
}

/** One of n calm colours for a person, always the same. */
export function hueOf(person: PersonId, n: number): number {
  let sum = 0;
  for (let i = 0; i < person.length; i++) sum = (sum * 31 + person.charCodeAt(i)) >>> 0;
  return sum % n;
}

/** A safety code in its groups of five, for reading aloud. */
export function codeGroups(code: string): string[] {
  return code.replace(/\D/g, "").match(/\d{1,5}/g) ?? [];
}
