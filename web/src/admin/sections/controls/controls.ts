// What the screens of controls say of them. What the server says of each, in
// English, is for spoken.svelte.ts.

import type * as api from "../../../api/schema.ts";
import { language, t, type WordKey } from "../../../ui/words.svelte.ts";

export type State = "met" | "needs-decision" | "falls-short" | "not-applicable";

const known: readonly State[] = ["falls-short", "needs-decision", "met", "not-applicable"];

/** The states, those that need somebody first. */
export const states = known;

/** A state that this page does not know is the worst. */
export const stateOf = (state: string | undefined): State => known.find((each) => each === state) ?? "falls-short";

const tones = { met: "good", "needs-decision": "warn", "falls-short": "bad", "not-applicable": "off" } as const;
export const toneOf = (state: State) => tones[state];

const stateKeys: Record<State, WordKey> = {
  met: "admin.controls.met",
  "needs-decision": "admin.controls.decision",
  "falls-short": "admin.controls.short",
  "not-applicable": "admin.controls.notApplicable",
};
export const stateName = (state: State): string => t(stateKeys[state]);

const families: Record<string, WordKey> = {
  technical: "admin.controls.technical",
  administrative: "admin.controls.administrative",
  physical: "admin.controls.physical",
  privacy: "admin.controls.privacy",
  breach: "admin.controls.breach",
};
export const familyNames = (): { value: string; label: string }[] => Object.entries(families).map(([value, key]) => ({ value, label: t(key) }));
export const familyName = (family: string): string => t(families[family] ?? "admin.controls.technical");

const kinds: Record<string, WordKey> = {
  required: "admin.controls.required",
  addressable: "admin.controls.addressable",
  proposed: "admin.controls.proposed",
  permitted: "admin.controls.permitted",
};
export const kindName = (kind: string): string => t(kinds[kind] ?? "admin.controls.required");

export interface Row {
  readonly control: api.Control;
  readonly state: State;
  readonly result: api.ControlResult | undefined;
}

/** The controls with what was found of each: what needs somebody first, then as in the law. */
export function rows(all: api.Controls): readonly Row[] {
  const found = new Map(all.run?.results.map((result) => [result.id, result]));
  return all.controls
    .map((control) => {
      const result = found.get(control.id);
      return { control, result, state: stateOf(result?.state) };
    })
    .sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state));
}

export function moment(at: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(at);
}

/** The newest look of each day, the oldest first, at most of so many days. */
export function daily(history: readonly api.ControlRun[], days: number): readonly api.ControlRun[] {
  const seen = new Map<string, api.ControlRun>();
  for (const run of history) {
    const day = new Date(run.at).toISOString().slice(0, 10);
    if (!seen.has(day)) seen.set(day, run); // the history has the newest first
  }
  return [...seen.values()].slice(0, days).reverse();
}

/** Numbers as the language writes them; other values, as addresses, keep their own direction. */
export function filled(text: string, args: readonly string[]): string {
  return text.replace(/\{(\d+)\}/g, (_, at: string) => {
    const value = args[Number(at)] ?? "";
    return /^\d+$/.test(value) ? new Intl.NumberFormat(language()).format(Number(value)) : `\u2068${value}\u2069`;
  });
}
