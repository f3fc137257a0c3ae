// Which forms were agreed to in this browser, and which stand before a reason.

import type { Memo } from "./memo.ts";
import { formsBefore, type ConsentForm, type Practice } from "./practice.ts";

type Version = Pick<ConsentForm, "id" | "version">;
interface World {
  readonly slug: string;
  readonly memo: Memo;
  loadForm(slug: string, form: string, version: number): Promise<ConsentForm>;
}

const known = (memo: Memo): string[] => (memo.agreed ?? "").split(",").filter(Boolean);

export function noteAgreed(memo: Memo, { id, version }: Version): void {
  memo.agreed = [...known(memo).filter((one) => one.slice(0, one.lastIndexOf(":")) !== id), `${id}:${version}`].join(",");
}

export function hasAgreed(memo: Memo, { id, version }: Version): boolean {
  return known(memo).includes(`${id}:${version}`);
}

/** A form of the reason that was not agreed to yet. One that cannot be had now the hub asks for: it lets nothing through without. */
export async function nextForm({ slug, memo, loadForm }: World, practice: Practice | undefined, queue: string): Promise<ConsentForm | undefined> {
  const next = practice && formsBefore(practice, queue).find((form) => form.id !== practice.consent.id && !hasAgreed(memo, form));
  return next && loadForm(slug, next.id, next.version).catch(() => undefined);
}

/** The texts of all forms that stand before the reason. Throws a PracticeError. */
export async function formsOf({ slug, loadForm }: World, practice: Practice, queue: string): Promise<readonly ConsentForm[]> {
  const heads = formsBefore(practice, queue);
  if (heads.length === 0) return [practice.consent];
  return Promise.all(heads.map((head) => (head.id === practice.consent.id ? practice.consent : loadForm(slug, head.id, head.version))));
}
