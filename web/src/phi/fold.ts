// Text as it is compared. What looks the same, or shows nothing, must not make
// a difference: look-alike letters of other scripts, accents, digits of other
// scripts and styles, invisible characters.

/** One folded character and where it came from, in code units. */
export interface Cell {
  readonly c: string;
  readonly start: number;
  readonly end: number;
}

// Cyrillic and Greek that look Latin, and the forms of one Arabic letter. NFKD
// has taken the marks off already.
const alike = new Map<string, string>();
for (const [to = "", ...from] of "aаαɑ bвьβ cсϲ dԁđ eеεє gɡ hһ iіιı jј kкκ lӏł mмʍ nո oоοσø pрρ qԛ rгʀ sѕß tтτ uυ vν wԝ xхχ yуγ اٱ يىیې هةہە كک".split(" ")) {
  for (const letter of from) alike.set(letter, to);
}

const zeros = [0x660, 0x6f0, 0x966];
const hyphen = /[\p{Pd}\u2212]/u;
const nothing = /[\p{M}\p{Cf}\ufffd\u0640\u115f\u3164]/u;

function plain(c: string): string {
  const code = c.codePointAt(0) ?? 0;
  if (code < 0x80) return c;
  for (const zero of zeros) if (code >= zero && code <= zero + 9) return String(code - zero);
  if (hyphen.test(c)) return "-";
  if (/\s/u.test(c)) return " ";
  if (c === "\u2044" || c === "\u2215") return "/";
  if (c === "\u00b7" || c === "\u2022" || c === "\u066b") return ".";
  return alike.get(c) ?? c;
}

export function fold(text: string): Cell[] {
  const cells: Cell[] = [];
  let at = 0;
  for (const original of text) {
    const end = at + original.length;
    for (const part of original.normalize("NFKD").toLowerCase()) {
      if (nothing.test(part)) continue;
      cells.push({ c: /\s/u.test(part) ? " " : plain(part), start: at, end });
    }
    at = end;
  }
  return cells;
}

export function folded(text: string): string {
  return fold(text)
    .map((cell) => cell.c)
    .join("");
}
