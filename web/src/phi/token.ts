// Words, numbers and what stands between them.

import type { Cell } from "./fold.ts";

export interface Token {
  readonly kind: "word" | "number" | "sign";
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** A space stands before it. */
  readonly gap: boolean;
}

export function kindOf(c: string): Token["kind"] {
  if (c >= "0" && c <= "9") return "number";
  return /\p{L}/u.test(c) ? "word" : "sign";
}

export function tokenise(cells: readonly Cell[]): Token[] {
  const all: Token[] = [];
  let gap = false;
  for (let i = 0; i < cells.length;) {
    const first = cells[i] as Cell;
    if (first.c === " ") {
      gap = true;
      i++;
      continue;
    }
    const kind = kindOf(first.c);
    let text = first.c;
    let last = first;
    for (i++; i < cells.length && kind !== "sign"; i++) {
      const next = cells[i] as Cell;
      if (next.c === " " || kindOf(next.c) !== kind) break;
      text += next.c;
      last = next;
    }
    all.push({ kind, text, start: first.start, end: last.end, gap });
    gap = false;
  }
  return digitsInWords(letterDigits(letterByLetter(all)));
}

/** Joins words that were written with something between all their letters. */
function letterByLetter(all: readonly Token[]): Token[] {
  const least = 4;
  const out: Token[] = [];
  const single = (t: Token): boolean => t.kind === "word" && t.text.length === 1;
  for (let i = 0; i < all.length;) {
    const first = all[i] as Token;
    let joined = first;
    let letters = 1;
    let last = i;
    if (single(first)) {
      for (let k = i + 1; k < all.length; k++) {
        const next = all[k] as Token;
        if (single(next)) {
          joined = { ...joined, text: joined.text + next.text, end: next.end };
          letters++;
          last = k;
        } else if (!".-_*".includes(next.text) || k !== last + 1) break;
      }
    }
    if (letters < least) out.push(...all.slice(i, last + 1));
    else out.push(joined);
    i = last + 1;
  }
  return out;
}

/** Reads an O among digits as 0, and an L or an I as 1; then joins what stands together. */
function letterDigits(all: readonly Token[]): Token[] {
  const out: Token[] = [];
  all.forEach((t, i) => {
    const after = all[i + 1];
    const touches = (!t.gap && all[i - 1]?.kind === "number") || (after?.kind === "number" && !after.gap);
    const read: Token = t.kind === "word" && touches && /^[oli]+$/.test(t.text) ? { ...t, kind: "number", text: t.text.replaceAll("o", "0").replaceAll(/[li]/g, "1") } : t;
    const before = out.at(-1);
    if (before?.kind === "number" && read.kind === "number" && !read.gap) out[out.length - 1] = { ...before, text: before.text + read.text, end: read.end };
    else out.push(read);
  });
  return out;
}

const digitWords = new Map(
  [
    "zero oh cero صفر",
    "one uno una واحد واحده",
    "two dos اثنان اثنين اتنين",
    "three tres ثلاثه تلاته",
    "four cuatro اربعه اربع",
    "five cinco خمسه خمس",
    "six seis سته ست",
    "seven siete سبعه سبع",
    "eight ocho ثمانيه تمانيه",
    "nine nueve تسعه تسع",
  ].flatMap((words, digit) => words.split(" ").map((word) => [word, String(digit)] as const)),
);

/** Makes numbers of words for digits, where three or more stand together. */
function digitsInWords(all: readonly Token[]): Token[] {
  const least = 3;
  const out = [...all];
  for (let i = 0; i < out.length;) {
    const run: number[] = [];
    let j = i;
    for (; j < out.length; j++) {
      const t = out[j] as Token;
      if (run.length > 0 && t.kind === "sign" && "-.,".includes(t.text)) continue;
      if (t.kind !== "number" && !digitWords.has(t.text)) break;
      run.push(j);
    }
    if (run.length >= least) {
      for (const k of run) {
        const t = out[k] as Token;
        const digit = digitWords.get(t.text);
        if (digit !== undefined) out[k] = { ...t, kind: "number", text: digit };
      }
    }
    i = Math.max(j, i + 1);
  }
  return out;
}
