// How the strength of a password is shown. What it is, and whether it is taken,
// the server says: it knows the common ones (package password).

import type { WordKey } from "../ui/words.svelte.ts";
import type { Strength } from "./account.ts";

/** 1: refused. 2: taken. 3: good. 4: very good. */
export function grade(strength: Strength): 1 | 2 | 3 | 4 {
  if (strength.fault !== undefined) return 1;
  if (strength.bits < 45) return 2;
  return strength.bits < 60 ? 3 : 4;
}

const ofGrade: Record<1 | 2 | 3 | 4, WordKey> = {
  1: "console.strength.1",
  2: "console.strength.2",
  3: "console.strength.3",
  4: "console.strength.4",
};

export function gradeWords(strength: Strength): WordKey {
  return ofGrade[grade(strength)];
}

const ofFault: Record<NonNullable<Strength["fault"]>, WordKey> = {
  short: "console.setUp.short",
  long: "console.setUp.long",
  common: "console.setUp.common",
  context: "console.setUp.context",
  classes: "console.setUp.classes",
};

export function faultWords(fault: NonNullable<Strength["fault"]>): WordKey {
  return ofFault[fault];
}
