// The lists of words, and how a word that was typed is looked up in them.

import arabic from "./words/ar.txt?raw";
import english from "./words/en.txt?raw";
import spanish from "./words/es.txt?raw";
import { folded } from "./fold.ts";

export type HealthKind = "diagnosis" | "medicine" | "result";

/** What follows a first word. */
export interface Phrase {
  readonly rest: readonly string[];
  readonly kind: HealthKind;
}

/** Drops the article, and the particles before it, from an Arabic word. */
export function bare(word: string): string {
  for (const prefix of ["وال", "بال", "لل", "ال"]) {
    if (word.startsWith(prefix) && word.length >= prefix.length + 2) return word.slice(prefix.length);
  }
  return word;
}

/**
 * A word's forms by which it may stand in a list: as it is, in the singular,
 * and without what Arabic writes in one with it.
 */
export function stems(word: string): readonly string[] {
  if (word < "\x80") {
    const all = [word];
    if (word.endsWith("s") && word.length >= 5) all.push(word.slice(0, -1));
    if (word.endsWith("es") && word.length >= 6) all.push(word.slice(0, -2));
    return all;
  }
  const all = [bare(word), word];
  for (const particle of "وبلكف") if (word.startsWith(particle) && word.length >= 4) all.push(bare(word.slice(1)));
  for (const ending of ["ك", "ي", "ها"]) {
    if (word.endsWith(ending) && word.length >= ending.length + 3) all.push(bare(word.slice(0, -ending.length)));
  }
  return all;
}

export function same(text: string, word: string): boolean {
  return text === word || stems(text).includes(bare(word));
}

function read(): ReadonlyMap<string, readonly Phrase[]> {
  const all = new Map<string, Phrase[]>();
  for (const list of [english, spanish, arabic]) {
    let kind: HealthKind = "diagnosis";
    for (const line of list.split("\n")) {
      const section = /^\[(\w+)\]$/.exec(line);
      if (section) {
        kind = section[1] as HealthKind;
        continue;
      }
      for (const entry of line.split(",")) {
        const [first, ...rest] = folded(entry)
          .split(" ")
          .filter((word) => word !== "");
        if (first === undefined) continue;
        const key = bare(first);
        all.set(key, [...(all.get(key) ?? []), { rest, kind }]);
      }
    }
  }
  return all;
}

export const phrases = read();

// How names of medicines end: stems of the WHO's international nonproprietary
// names, in English and Spanish.
const endings =
  "statin statina sartan prazole prazol olol cillin cilina mycin micina floxacin floxacino oxetine oxetina azepam lukast gliptin gliptina gliflozin gliflozina zumab ximab tidine tidina dronate cycline ciclina conazole conazol triptan setron parin parina".split(
    " ",
  );

export function isMedicineName(word: string): boolean {
  return word.length >= 7 && endings.some((ending) => word.length > ending.length + 1 && word.endsWith(ending));
}

/** Units by what they measure: doses, or results of tests. */
export const units: ReadonlyMap<string, HealthKind> = new Map([
  ...["mg", "mcg", "ug", "meq", "miligramos", "milligrams", "ملغ", "مجم"].map((unit) => [unit, "medicine"] as const),
  ...["mmol", "mmhg"].map((unit) => [unit, "result"] as const),
]);

export const months: ReadonlySet<string> = new Set(
  folded(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug sept sep oct nov dec " +
      "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre " +
      "يناير فبراير مارس ابريل مايو يونيو يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر",
  ).split(" "),
);
