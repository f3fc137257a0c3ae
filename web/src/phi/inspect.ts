// Finds, in a text that somebody is typing, what looks like a person's
// identifiers or like facts about their health, so that the one who types can
// think again before it leaves the device.
//
// It reduces harm. It does not de-identify: words that it does not know pass,
// and nothing here says that a text is safe to send. How much it finds is
// measured on labelled.txt, and floors are held by a test.
//
// It keeps nothing, and its time is linear in the text. English, Spanish and
// Arabic are looked for in every text: people mix them.

import { fold, folded, type Cell } from "./fold.ts";
import { couldBePhone, couldBeSSN, isCard, yearOfDate } from "./numbers.ts";
import { kindOf, tokenise, type Token } from "./token.ts";
import { isMedicineName, months, phrases, same, stems, units } from "./words.ts";

/** The most telling first: of two findings that are equally long, that one stays. */
export const kinds = ["ssn", "card", "record", "birth-date", "phone", "email", "diagnosis", "medicine", "result"] as const;
export type Kind = (typeof kinds)[number];

/** True for a fact about health, false for an identifier. */
export function isHealth(kind: Kind): boolean {
  return kind === "diagnosis" || kind === "medicine" || kind === "result";
}

/** A part of the text, in code units; one that began in an earlier message starts below 0. */
export interface Finding {
  readonly kind: Kind;
  readonly start: number;
  readonly end: number;
}

/** What is peculiar to a practice. */
export interface Options {
  /** Shapes of its record numbers: # a digit, @ a letter. The first eight count. */
  readonly records?: readonly string[];
  /** Its own telephone numbers and addresses, which are not found. */
  readonly allowed?: readonly string[];
  /** The present one: a whole date two years or more before it may be of a birth. */
  readonly year: number;
}

/** How many earlier messages are read together with a new one. */
export const window = 2;
/** Further back nothing can belong to an identifier. */
const tail = 256;

/**
 * What is in `text`, in order and apart from each other. `before` are the same
 * writer's newest messages, oldest first: identifiers are sent in parts.
 */
export function inspect(text: string, before: readonly string[], options: Options): Finding[] {
  const found = new Scanner(text, options).scan();
  if (before.length === 0) return apart(found);
  const earlier = `${before.slice(-window).join("\n")}\n`.slice(-tail);
  for (const f of new Scanner(earlier + text, options).scan()) {
    const moved = { ...f, start: f.start - earlier.length, end: f.end - earlier.length };
    if (moved.end > 0 && !isHealth(f.kind)) found.push(moved);
  }
  return apart(found);
}

/** Keeps, of findings that overlap, the longest. */
function apart(found: readonly Finding[]): Finding[] {
  const taken = new Set<number>();
  const kept: Finding[] = [];
  const length = (f: Finding): number => f.end - f.start;
  for (const f of [...found].sort((a, b) => length(b) - length(a) || kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || a.start - b.start)) {
    let free = true;
    for (let i = f.start; i < f.end && free; i++) free = !taken.has(i);
    if (!free) continue;
    for (let i = f.start; i < f.end; i++) taken.add(i);
    kept.push(f);
  }
  return kept.sort((a, b) => a.start - b.start);
}

const listed = (list: string): readonly (readonly string[])[] => list.split(", ").map((phrase) => phrase.split(" "));

const cues = {
  ssn: listed("ssn, social, seguro social, numero de seguro, الضمان, itin"),
  last: listed("last four, last 4, ultimos cuatro, ultimos 4, اخر اربعه"),
  phone: listed("phone, call, cell, mobile, tel, telephone, fax, text, telefono, celular, movil, llame, llamar, llamame, هاتف, جوال, اتصل, رقمي, موبايل"),
  birth: listed("dob, born, birth, birthday, birthdate, nacimiento, nacio, naci, nacido, nacida, ميلاد, ولد, ولدت, مواليد"),
  pressure: listed("bp, pressure, mmhg, reading, presion, tension, ضغط"),
  record: listed(
    "mrn, medical record, record number, record no, record id, chart number, chart no, patient id, patient number, member id, member number, policy number, plan id, account number, medicare number, medicaid number, " +
      "historia clinica, numero de historia, numero de expediente, expediente, numero de paciente, numero de afiliado, poliza, رقم الملف, رقم المريض, رقم السجل, رقم العضويه, رقم التامين",
  ),
};
const recordStarts = new Set(cues.record.map((phrase) => phrase[0]));

const topLevel = new Set("com org net edu gov mx es sa ae eg".split(" "));

/** Some parts of a run that stand apart from its others: what may be one identifier. */
interface Stretch {
  readonly first: number;
  readonly last: number;
  readonly parts: readonly string[];
  readonly digits: string;
}

/** The most digits that an identifier has: a card's. */
const mostDigits = 19;

class Scanner {
  private readonly cells: readonly Cell[];
  private readonly tokens: readonly Token[];
  private readonly found: Finding[] = [];
  private readonly options: Options;

  constructor(text: string, options: Options) {
    this.cells = fold(text);
    this.tokens = tokenise(this.cells);
    this.options = options;
  }

  scan(): Finding[] {
    for (const run of this.runs()) this.numbers(run);
    this.emails();
    this.shapes();
    this.records();
    this.words();
    return this.found;
  }

  private at(i: number): Token | undefined {
    return this.tokens[i];
  }

  private add(kind: Kind, first: Token | undefined, last: Token | undefined): void {
    if (first && last) this.found.push({ kind, start: first.start, end: last.end });
  }

  /** Numbers that stand together, with no more than two signs between them. */
  private runs(): number[][] {
    const runs: number[][] = [];
    let run: number[] = [];
    let between = 0;
    this.tokens.forEach((t, i) => {
      if (t.kind === "number") {
        run.push(i);
        between = 0;
      } else if (run.length > 0 && (t.kind !== "sign" || ++between > 2 || !"-./(),".includes(t.text) || (t.text === "," && this.at(i + 1)?.text.length !== 1))) {
        runs.push(run);
        run = [];
      }
    });
    if (run.length > 0) runs.push(run);
    return runs;
  }

  private numbers(run: readonly number[]): void {
    for (let i = 0; i < run.length; i++) {
      if (i > 0 && this.joined(run, i)) continue;
      const parts: string[] = [];
      let digits = "";
      for (let j = i; j < run.length; j++) {
        const last = run[j] as number;
        const part = (this.at(last) as Token).text;
        if (digits.length + part.length > mostDigits) break;
        parts.push(part);
        digits += part;
        if (j + 1 === run.length || !this.joined(run, j + 1)) this.judge({ first: run[i] as number, last, parts, digits });
      }
    }
  }

  /** Part i of a run belongs to the one before it: nothing sets them apart, or both are single digits. */
  private joined(run: readonly number[], i: number): boolean {
    const left = run[i - 1] as number;
    const right = run[i] as number;
    if (this.at(left)?.text.length === 1 && this.at(right)?.text.length === 1) return true;
    for (let k = left + 1; k <= right; k++) if (this.at(k)?.gap || this.at(k)?.text === "(") return false;
    return true;
  }

  private judge(s: Stretch): void {
    const kind = this.kindOf(s);
    if (kind && !(kind === "phone" && this.allowed(s.digits))) this.add(kind, this.at(s.first), this.at(s.last));
  }

  private kindOf(s: Stretch): Kind | undefined {
    if (isCard(s.digits)) return "card";
    if (this.isSSN(s)) return "ssn";
    if (this.isPhone(s)) return "phone";
    if (this.isBirthDate(s)) return "birth-date";
    return this.isPressure(s) ? "result" : undefined;
  }

  private isSSN(s: Stretch): boolean {
    if (s.digits.length === 4 && s.parts.length === 1) return this.cued(s, cues.last) && this.cued(s, cues.ssn);
    if (s.digits.length !== 9) return false;
    return this.cued(s, cues.ssn) || (couldBeSSN(s.digits) && (shaped(s, 3, 2, 4) || singles(s)));
  }

  private isPhone(s: Stretch): boolean {
    if (this.at(s.first - 1)?.text === "+" && !this.at(s.first)?.gap) return s.digits.length >= 8 && s.digits.length <= 15;
    if (s.digits.length === 7) return (shaped(s, 3, 4) || singles(s)) && s.digits[0] !== "0" && s.digits[0] !== "1" && this.cued(s, cues.phone);
    return couldBePhone(s.digits) && (shaped(s, 3, 3, 4) || shaped(s, 1, 3, 3, 4) || shaped(s, 3, 7) || singles(s) || this.cued(s, cues.phone));
  }

  private isBirthDate(s: Stretch): boolean {
    if (shaped(s, 8)) return this.cued(s, cues.birth);
    const year = s.parts.length === 3 ? yearOfDate(s.parts) : undefined;
    if (year === undefined) return false;
    let between = "";
    for (let k = s.first + 1; k < s.last; k++) if (this.at(k)?.kind === "sign") between += this.at(k)?.text ?? "";
    const cue = this.cued(s, cues.birth);
    if (!["//", "--", ".."].includes(between) && !(cue && between === "")) return false;
    return cue || this.past(year);
  }

  /** A year of a birth rather than of a visit. */
  private past(year: number): boolean {
    return year > 1900 && year <= this.options.year - 2;
  }

  /** 120/80, if the words around it say so. */
  private isPressure(s: Stretch): boolean {
    if (s.parts.length !== 2 || s.last !== s.first + 2 || this.at(s.first + 1)?.text !== "/") return false;
    const [high = 0, low = 0] = s.parts.map(Number);
    return high >= 70 && high <= 250 && low >= 40 && low <= 150 && high > low && this.cued(s, cues.pressure);
  }

  /** One of the phrases stands near: up to eight tokens before, or four after. */
  private cued(s: { first: number; last: number }, list: readonly (readonly string[])[]): boolean {
    for (let i = Math.max(0, s.first - 8); i <= Math.min(this.tokens.length - 1, s.last + 4); i++) {
      if (list.some((phrase) => this.says(i, phrase))) return true;
    }
    return false;
  }

  private says(i: number, phrase: readonly string[]): boolean {
    return phrase.every((word, k) => {
      const t = this.at(i + k);
      return t !== undefined && same(t.text, word);
    });
  }

  private allowed(found: string): boolean {
    return (this.options.allowed ?? []).some((own) => {
      const plain = folded(own);
      if (plain.includes("@")) return plain === found;
      const digits = plain.replaceAll(/\D/g, "");
      return found.length >= 7 && digits.endsWith(found.replace(/^1/, ""));
    });
  }

  /** Addresses, as far as one may go (RFC 5321, section 4.5.3.1), and ones in words. */
  private emails(): void {
    const c = (i: number): string => this.cells[i]?.c ?? " ";
    const may = (i: number, signs: string): boolean => c(i) !== " " && (kindOf(c(i)) !== "sign" || signs.includes(c(i)));
    for (let i = 1; i < this.cells.length; i++) {
      if (c(i) !== "@") continue;
      let left = i;
      let right = i + 1;
      while (left > 0 && i - left < 64 && may(left - 1, "._%+-")) left--;
      while (right - i < 255 && may(right, ".-")) right++;
      while (right > i + 1 && (c(right - 1) === "." || c(right - 1) === "-")) right--;
      const address = this.cells
        .slice(left, right)
        .map((cell) => cell.c)
        .join("");
      const top = address.slice(address.lastIndexOf(".") + 1);
      if (left === i || address.lastIndexOf(".") < i - left + 2 || !/^\p{L}{2,}$/u.test(top) || this.allowed(address)) continue;
      this.found.push({ kind: "email", start: (this.cells[left] as Cell).start, end: (this.cells[right - 1] as Cell).end });
    }
    this.tokens.forEach((t, i) => {
      if (t.text !== "at" && t.text !== "arroba") return;
      const [name, host, dot, top] = [this.at(i - 1), this.at(i + 1), this.at(i + 2), this.at(i + 3)];
      if (!name || name.kind === "sign" || !host || host.kind === "sign" || !top || !topLevel.has(top.text)) return;
      if (dot?.text === "dot" || dot?.text === "punto" || dot?.text === ".") this.add("email", name, top);
    });
  }

  /** The practice's own record numbers. */
  private shapes(): void {
    const fits = (c: string | undefined, want: string): boolean => c !== undefined && c !== " " && (want === "#" ? kindOf(c) === "number" : want === "@" ? kindOf(c) === "word" : c === want);
    const solid = (i: number): boolean => this.cells[i] !== undefined && this.cells[i].c !== " " && kindOf(this.cells[i].c) !== "sign";
    for (const shape of (this.options.records ?? []).slice(0, 8)) {
      const want = [...folded(shape)];
      if (want.length === 0 || want.length > 32) continue;
      for (let i = 0; i + want.length <= this.cells.length; i++) {
        if (solid(i - 1) || solid(i + want.length) || !want.every((w, k) => fits(this.cells[i + k]?.c, w))) continue;
        this.found.push({ kind: "record", start: (this.cells[i] as Cell).start, end: (this.cells[i + want.length - 1] as Cell).end });
      }
    }
  }

  /** Numbers that a phrase before them names. */
  private records(): void {
    const reach = 6;
    this.tokens.forEach((t, i) => {
      if (!stems(t.text).some((stem) => recordStarts.has(stem))) return;
      const phrase = cues.record.find((p) => this.says(i, p));
      if (!phrase) return;
      for (let k = i + phrase.length; k < i + phrase.length + reach; k++) {
        const last = this.identifier(k);
        if (last === undefined) continue;
        this.add("record", this.at(k), this.at(last));
        return;
      }
    });
  }

  /** Where 5 to 14 letters and digits end that begin at token i, joined by nothing or by hyphens; one must be a digit. */
  private identifier(i: number): number | undefined {
    let length = 0;
    let digit = false;
    let last = i;
    for (let k = i; k < this.tokens.length && length <= 14; k++) {
      const t = this.at(k) as Token;
      const single = t.kind === "number" && t.text.length === 1 && this.at(k - 1)?.kind === "number";
      if (k > i && t.gap && !single) break;
      if (t.kind === "sign") {
        if (t.text !== "-" || k === i) break;
        continue;
      }
      length += t.text.length;
      digit ||= t.kind === "number";
      last = k;
    }
    return digit && length >= 5 && length <= 14 ? last : undefined;
  }

  /** Facts about health, and dates with a month's name. */
  private words(): void {
    this.tokens.forEach((t, i) => {
      if (t.kind === "number") return this.measure(i);
      if (t.kind !== "word") return;
      if (months.has(t.text)) this.monthDate(i);
      if (isMedicineName(t.text)) this.add("medicine", t, t);
      for (const stem of stems(t.text)) {
        for (const phrase of phrases.get(stem) ?? []) {
          const last = this.follows(i, phrase.rest);
          if (last !== undefined) this.add(phrase.kind, t, this.at(last));
        }
      }
    });
  }

  /** Where the words end that must follow token i; a hyphen between them is no matter. */
  private follows(i: number, rest: readonly string[]): number | undefined {
    let at = i;
    for (const word of rest) {
      if (this.at(++at)?.text === "-") at++;
      const t = this.at(at);
      if (!t || !same(t.text, word)) return undefined;
    }
    return at;
  }

  /** An amount: a number with a unit. */
  private measure(i: number): void {
    const unit = this.at(i + 1);
    if (!unit) return;
    let kind: Kind | undefined = units.get(unit.text);
    let last = i + 1;
    const first = this.at(i - 1)?.text === "." && this.at(i - 2)?.kind === "number" ? i - 2 : i;
    // mg/dL and the like are of a test.
    if (this.at(i + 2)?.text === "/" && ["dl", "l", "ml"].includes(this.at(i + 3)?.text ?? "") && (kind || ["g", "ng", "iu", "u"].includes(unit.text))) {
      kind = "result";
      last = i + 3;
    }
    if (kind) this.add(kind, this.at(first), this.at(last));
  }

  /** "March 4, 1985" and "4 de marzo de 1985", where it may be of a birth. */
  private monthDate(i: number): void {
    let first = i;
    let last = i;
    let year = 0;
    for (let k = i - 1; k >= i - 2; k--) {
      const t = this.at(k);
      if (t?.kind === "number" && t.text.length <= 2) {
        first = k;
        break;
      }
      if (t?.text !== "de") break;
    }
    for (let k = i + 1; k < i + 6; k++) {
      const t = this.at(k);
      if (t?.kind === "number") {
        last = k;
        if (t.text.length === 4) {
          year = Number(t.text);
          break;
        }
      } else if (!t || ![",", "de", "del", "th", "st", "nd", "rd"].includes(t.text)) break;
    }
    if (first === last) return;
    if (this.past(year) || this.cued({ first, last }, cues.birth)) this.add("birth-date", this.at(first), this.at(last));
  }
}

function shaped(s: Stretch, ...lengths: readonly number[]): boolean {
  return s.parts.length === lengths.length && lengths.every((length, i) => s.parts[i]?.length === length);
}

/** The digits stand one by one. */
function singles(s: Stretch): boolean {
  return s.parts.length > 1 && s.parts.length === s.digits.length;
}
