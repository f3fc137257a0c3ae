// Which forms were agreed to in this browser, and which stand before a reason.

import type { Memo } from "./memo.ts";
import { formsBefore, type ConsentForm, type Practice } from "./practice.ts";
import type { AboutMe } from "./state.ts";
import type { World } from "./world.ts";

type Version = Pick<ConsentForm, "id" | "version">;
const known = (memo: Memo): string[] => (memo.agreed ?? "").split(",").filter(Boolean);

export function noteAgreed(memo: Memo, { id, version }: Version): void {
  memo.agreed = [...known(memo).filter((one) => one.slice(0, one.lastIndexOf(":")) !== id), `${id}:${version}`].join(",");
}

export function hasAgreed(memo: Memo, { id, version }: Version): boolean {
  return known(memo).includes(`${id}:${version}`);
}

const forMinor = ({ writesFor: other }: AboutMe): boolean => other?.kind === "parent" || (other?.kind === "carer" && other.age === "minor");

/** A form of the reason that was not agreed to yet. */
export function nextForm(memo: Memo, practice: Practice, about: AboutMe): Version | undefined {
  return formsBefore(practice, about.queue, forMinor(about)).find((form) => form.id !== practice.consent.id && !hasAgreed(memo, form));
}

/** The texts of all forms that stand before the reason. Throws a PracticeError. */
export async function formsOf({ slug, loadForm }: Pick<World, "slug" | "loadForm">, practice: Practice, about: AboutMe): Promise<readonly ConsentForm[]> {
  const heads = formsBefore(practice, about.queue, forMinor(about));
  if (heads.length === 0) return [practice.consent];
  return Promise.all(heads.map((head) => (head.id === practice.consent.id ? practice.consent : loadForm(slug, head.id, head.version))));
}
