// What a compiled message says with its values. Messages are compiled when the
// pages are built (scripts/words.mjs) to a string, or to a list of strings and
// of [name], [name, "number"] or [name, "plural", {form: message}]; "#" is the
// number counted.
// That is all of ICU that the catalogues use, and the words test holds them to
// it: it is all that this reads.

export type Value = string | number;
export type Compiled = string | readonly Token[];
type Token = string | readonly [name: string, kind?: "number"] | readonly [name: string, kind: "plural", forms: Readonly<Record<string, Compiled>>];

const rules = new Map<string, Intl.PluralRules>();

function formOf(language: string, count: number): string {
  let found = rules.get(language);
  if (!found) rules.set(language, (found = new Intl.PluralRules(language)));
  return found.select(count);
}

/** The message in words. What is not given is left out. */
export function inWords(message: Compiled, language: string, values: Readonly<Record<string, Value>> = {}, counted?: number): string {
  if (typeof message === "string") return message;
  return message
    .map((token) => {
      if (token === "#" && counted !== undefined) return new Intl.NumberFormat(language).format(counted);
      if (typeof token === "string") return token;
      const value = values[token[0]] ?? "";
      const forms = token[2];
      if (!forms) return token[1] === "number" ? new Intl.NumberFormat(language).format(Number(value)) : String(value);
      const count = Number(value);
      return inWords(forms[`${count}`] ?? forms[`=${count}`] ?? forms[formOf(language, count)] ?? forms.other ?? "", language, values, count);
    })
    .join("");
}
