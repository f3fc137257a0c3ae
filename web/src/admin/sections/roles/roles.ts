// What the screen of roles says, of the table that the server's policy engine
// made. A test of internal/policy holds the words to the actions there are.

import type * as api from "../../../api/schema.ts";
import { roleName } from "../../../staff/names.ts";
import { t, type WordKey } from "../../../ui/words.svelte.ts";

export const areas = ["chats", "patients", "people", "practice", "oversight", "forms"] as const satisfies readonly api.PolicyRow["area"][];

export const actionName = (action: string): string => t(`admin.roles.action.${action}` as WordKey);
export const areaName = (area: api.PolicyRow["area"]): string => t(`admin.roles.area.${area}`);
/** A role; the directory is none that people have, and has its name here. */
export const roleTitle = (role: string): string => (role === "directory" ? t("admin.roles.directory") : roleName(role));

/** When a role may, in sentences; empty for never. */
export const whens = (cell: api.PolicyCell): readonly string[] => cell.when.map((each) => t(`admin.roles.when.${each}`));
export const exceptions = (cell: api.PolicyCell): readonly string[] => cell.unless.map((each) => t("admin.roles.not", { what: t(`admin.roles.unless.${each}`) }));

/** A cell in one line, for a file and to compare. */
export function cellText(cell: api.PolicyCell | undefined): string {
  const when = cell ? whens(cell) : [];
  return when.length > 0 && cell ? [...when, ...exceptions(cell)].join("; ") : t("admin.roles.never");
}

export function cellOf(row: api.PolicyRow, role: string): api.PolicyCell | undefined {
  return row.cells.find((cell) => cell.role === role);
}

/** Whether two roles may do an action under other conditions. */
export function differs(row: api.PolicyRow, one: string, other: string): boolean {
  const all = [one, other].map((role) => cellOf(row, role));
  return JSON.stringify([all[0]?.when, all[0]?.unless]) !== JSON.stringify([all[1]?.when, all[1]?.unless]);
}

/** The rules that made the cells of some roles, in the order of the policy. */
export function rulesBehind(rules: readonly api.PolicyRule[], rows: readonly api.PolicyRow[], roles: readonly string[]): readonly api.PolicyRule[] {
  const named = new Set(rows.flatMap((row) => row.cells.filter((cell) => roles.includes(cell.role)).flatMap((cell) => cell.rules)));
  // Those about everything stand behind every answer.
  return rules.filter((rule) => named.has(rule.id) || (rows.length > 0 && rule.forbids && rule.actions.length === 0));
}
