// What the screens of people say of them.

import type * as api from "../../../api/schema.ts";
import type { Practice } from "../../../staff/account.ts";
import { roleName } from "../../../staff/names.ts";
import { language, t } from "../../../ui/words.svelte.ts";

export function queueName(practice: Practice | undefined, id: string): string {
  const queue = practice?.queues.find((each) => each.id === id);
  return queue?.reason[language()] ?? queue?.reason.en ?? id;
}

/** Queues by name; a dash for none. */
export function queueList(practice: Practice | undefined, ids: readonly string[]): string {
  return new Intl.ListFormat(language()).format(ids.map((id) => queueName(practice, id))) || "–";
}

/** Queues by name, of what counts for all if it names none. */
export const queueNames = (practice: Practice | undefined, ids: readonly string[]): string => (ids.length === 0 ? t("admin.people.allQueues") : queueList(practice, ids));

/** What a person works on: the queues given one by one and those of their departments. Undefined means all. */
export function reach(p: api.StaffMember, departments: readonly api.Department[]): readonly string[] | undefined {
  if (p.queues.length === 0 && p.departments.length === 0) return undefined;
  return [...new Set([...p.queues, ...departments.filter((d) => p.departments.includes(d.id)).flatMap((d) => d.queues)])];
}

export function reachNames(practice: Practice | undefined, p: api.StaffMember, departments: readonly api.Department[]): string {
  const queues = reach(p, departments);
  if (!queues) return t("admin.people.allQueues");
  return queues.length > 0 ? queueList(practice, queues) : t("admin.people.noQueues");
}

export function departmentNames(p: api.StaffMember, departments: readonly api.Department[]): string {
  return new Intl.ListFormat(language()).format(departments.filter((d) => p.departments.includes(d.id)).map((d) => d.name)) || "–";
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
