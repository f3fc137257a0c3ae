// What the screens of people say of them.

import type * as api from "../../../api/schema.ts";
import type { Practice } from "../../../staff/account.ts";
import { roleName } from "../../../staff/names.ts";
import { language, t } from "../../../ui/words.svelte.ts";

export function queueName(practice: Practice | undefined, id: string): string {
  const queue = practice?.queues.find((each) => each.id === id);
  return queue?.reason[language()] ?? queue?.reason.en ?? id;
}

export function queueNames(practice: Practice | undefined, ids: readonly string[]): string {
  if (ids.length === 0) return t("admin.people.allQueues");
  return new Intl.ListFormat(language()).format(ids.map((id) => queueName(practice, id)));
}

/** Whether somebody looks after patients, and so has queues. */
export const cares = (access: string): boolean => ["agent", "clinician", "supervisor"].includes(access);

/** Roles to choose from, in the reader's language and its order. */
export function roleOptions(roles: readonly api.RoleInfo[]): { value: string; label: string }[] {
  return roles.map(({ role }) => ({ value: role, label: roleName(role) })).sort((a, b) => a.label.localeCompare(b.label, language()));
}

export function moment(at: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(at);
}

/** The page where a one-time link is opened. */
export function setUpAddress(token: string): string {
  return `${location.origin}/staff/#setup=${token}`;
}
