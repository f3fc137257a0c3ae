// What a patient does with forms once the chat is open. It loads with the sheets
// that use it.

import type { Agreements } from "../core/shared/protocol.ts";
import { hasAgreed } from "./model/agreed.ts";
import { formsBefore, type ConsentForm } from "./model/practice.ts";
import type { Session } from "./model/session.ts";

/** Forms to agree to before the next message, and whether they are other than what was agreed to in this chat, and not forms that it had no need of, as in another queue. Throws a PracticeError, or what the core throws. */
export async function due(session: Session): Promise<{ readonly forms: readonly ConsentForm[]; readonly changed: boolean }> {
  const { core, conversation, world, refreshed } = session.inside;
  if (!core || !conversation) return { forms: [], changed: false };
  const practice = await world.loadPractice(world.slug);
  refreshed(practice);
  const { agreements } = await core.agreements();
  const standing = agreements.filter((one) => one.current && one.conversation === conversation.id);
  const all = formsBefore(practice, conversation.queue, true).filter((form) => !standing.some((one) => one.form === form.id && one.version === form.version));
  // Only the hub knows whether this is about a minor: what it asks for beyond the other forms is the one about them.
  // A chat that it has not taken yet stands on nothing there; then the others are those that were agreed to here.
  const others = all.filter((form) => form.kind !== "minor");
  const refused = agreements.every((one) => one.conversation !== conversation.id) && others.every((form) => hasAgreed(world.memo, form));
  const missing = others.length > 0 && !refused ? others : all;
  const changed = missing.length > 0 && missing.every((form) => agreements.some((one) => one.conversation === conversation.id && one.form === form.id && one.version !== form.version));
  return { forms: await Promise.all(missing.map((form) => world.loadForm(world.slug, form.id, form.version))), changed };
}

/** Agrees to forms, for this chat or beyond it. Throws what the core throws. */
export async function agreeTo(session: Session, forms: readonly ConsentForm[], beyond = false): Promise<void> {
  const { core, conversation, agreed, noteAgreed } = session.inside;
  if (!core || !conversation) return;
  const consents = await Promise.all(forms.map((form) => agreed(form)));
  await core.agree(beyond ? "" : conversation.id, consents);
  if (!beyond) forms.forEach((form) => noteAgreed(form));
}

/** What the person agreed to, and could. Throws what the core throws. */
export async function agreements(session: Session): Promise<Agreements> {
  const { core } = session.inside;
  if (!core) throw new Error("no core");
  return core.agreements();
}

/** Takes one agreement back. Throws what the core throws. */
export async function takeBack(session: Session, id: string): Promise<void> {
  const { core, world } = session.inside;
  await core?.takeBack(id);
  world.memo.agreed = undefined;
}

/** What the forms of this chat say of how long it is kept, in the words that were agreed to. Throws what the core throws, or a PracticeError. */
export async function keptFor(session: Session): Promise<readonly { lang: string; text: string }[]> {
  const { conversation } = session.inside;
  const { agreements: all } = await agreements(session);
  const mine = all.filter((one) => one.conversation === conversation?.id && one.withdrawnAt === 0);
  const texts = await Promise.all(mine.map(async (one) => [keptOf(await formOf(session, one.form, one.version), one.language), one.language] as const));
  return [...new Map(texts)].filter(([text]) => text).map(([text, lang]) => ({ lang, text }));
}

/** The form's own paragraph of how long it is kept: of the text that was agreed to, and of nothing beside it. */
export function keptOf(form: ConsentForm, language: string): string {
  const text = form.texts[language];
  return text?.kept && text.full.split(/\n\s*\n/).includes(text.kept) ? text.kept : "";
}

/** A form as it was agreed to. Throws a PracticeError. */
export function formOf(session: Session, form: string, version: number): Promise<ConsentForm> {
  const { world } = session.inside;
  return world.loadForm(world.slug, form, version);
}
