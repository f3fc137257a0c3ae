// The words themselves: complete in every language, sound, and easy to read.

import { readdirSync, readFileSync } from "node:fs";

import { compileMessage } from "@lingui/message-utils/compileMessage";
import { describe, expect, test } from "vitest";

import { adminSections, languages } from "../scripts/words.mjs";

type Catalogue = Record<string, string>;

const folder = new URL("../locales/", import.meta.url);
const read = (name: string): Catalogue => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Catalogue;

/** The names of the values that a message takes. */
function taken(message: string): string[] {
  const found = new Set<string>();
  const walk = (part: unknown): void => {
    if (!Array.isArray(part)) return;
    for (const each of part) {
      if (!Array.isArray(each)) continue;
      found.add(String(each[0]));
      const choices: unknown = each[2];
      if (typeof choices === "object" && choices !== null) for (const choice of Object.values(choices)) walk(choice);
    }
  };
  walk(compileMessage(message));
  found.delete("#");
  return [...found].sort();
}

/** The plural forms that a message has, for each value it counts. */
function forms(message: string): Set<string> {
  const found = new Set<string>();
  const compiled = compileMessage(message);
  if (Array.isArray(compiled)) {
    for (const part of compiled) if (Array.isArray(part) && part[1] === "plural") for (const form of Object.keys(part[2] ?? {})) found.add(form);
  }
  return found;
}

const adminCatalogues = ["shell", ...adminSections];

for (const [name, prefixes] of [
  ["", ["patient", "ui", "launcher"]],
  ["console.", ["console"]],
  ["admin/shell.", ["admin"]],
  ...adminSections.map((id): [string, string[]] => [`admin/${id}.`, [`admin.${id}`]]),
] as [string, string[]][]) {
  const english = read(`${name}en.json`);
  describe.each(languages)(`the ${name || "patient "}words in %s`, (language) => {
    const words = read(`${name}${language}.json`);

    test("are the same as in English, and none is empty", () => {
      expect(Object.keys(words).sort()).toEqual(Object.keys(english).sort());
      expect(Object.entries(words).filter(([, text]) => text.trim() === "")).toEqual([]);
    });

    test("belong to their app", () => {
      expect(Object.keys(words).filter((key) => !prefixes.some((prefix) => key.startsWith(`${prefix}.`)))).toEqual([]);
    });

    test("take the same values as in English", () => {
      for (const [key, text] of Object.entries(words)) expect([key, taken(text)]).toEqual([key, taken(english[key] ?? "")]);
    });

    test("use nothing but values, numbers and plurals", () => {
      // What ui/message.ts reads.
      const kinds = (message: unknown): unknown[] => (Array.isArray(message) ? message.flatMap((part) => (Array.isArray(part) ? [part[1], ...Object.values((part[2] as object | undefined) ?? {}).flatMap(kinds)] : [])) : []);
      for (const [key, text] of Object.entries(words)) expect([key, kinds(compileMessage(text)).filter((kind) => kind !== undefined && kind !== "plural" && kind !== "number")]).toEqual([key, []]);
    });

    test("count in the forms of the language, or in all at once", () => {
      // Spanish has "many" for millions alone, which we do not count.
      const all = new Intl.PluralRules(language).resolvedOptions().pluralCategories.filter((form) => !(language === "es" && form === "many"));
      for (const [key, text] of Object.entries(words)) {
        const has = forms(text);
        if (has.size === 0) continue;
        expect([key, has.has("other")]).toEqual([key, true]);
        if (has.size > 1) expect([key, all.filter((form) => form !== "zero" && !has.has(form))]).toEqual([key, []]);
      }
    });
  });
}

test("no catalogue lies about that is not built", () => {
  expect(readdirSync(folder).sort()).toEqual(["admin", "controls", "kinds", ...languages.flatMap((language) => [`${language}.json`, `console.${language}.json`])].sort());
  expect(readdirSync(new URL("admin/", folder)).sort()).toEqual(adminCatalogues.flatMap((id) => languages.map((language) => `${id}.${language}.json`)).sort());
});

// What a section says stands in its own folder, but for its title.
test.each(adminCatalogues)("administrators' words are all used: %s", (id) => {
  const admin = new URL("../src/admin/", import.meta.url);
  const sources = readdirSync(admin, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|svelte)$/.test(name) && (id === "shell" || name.startsWith(`sections/${id}/`)))
    .map((name) => readFileSync(new URL(name, admin), "utf8"))
    .join("\n");
  const used = (key: string): boolean => sources.includes(`"${key}"`) || dynamic(sources).some((start) => key.startsWith(start));
  expect(Object.keys(read(`admin/${id}.en.json`)).filter((key) => !used(key))).toEqual([]);
});

/** The beginnings of keys whose end is computed: t(`admin.x.${y}`). */
function dynamic(source: string): string[] {
  return [...source.matchAll(/`(admin\.[\w.]+\.)\$\{/g)].map((found) => found[1] ?? "");
}

/** What is called in Spanish as in English. */
const sameInSpanish = ["launcher.frame", "patient.agreements.chat", "patient.title.chat"];

// What is the same in Spanish or Arabic as in English was not translated.
test.each(["", "console.", ...adminCatalogues.map((id) => `admin/${id}.`)])("the %swords are not English elsewhere", (name) => {
  const english = read(`${name}en.json`);
  const bare = (text: string): string => text.replace(/\{[^}]*\}/g, "");
  for (const language of languages.filter((each) => each !== "en")) {
    const words = read(`${name}${language}.json`);
    const same = Object.keys(english).filter((key) => words[key] === english[key] && /[a-z]{4}/i.test(bare(english[key] ?? "")));
    expect(same.sort()).toEqual(language === "es" && name === "" ? sameInSpanish : []);
  }
});

// Flesch-Kincaid, with syllables counted as runs of vowels, less a silent e.
function syllables(word: string): number {
  const bare = word.toLowerCase().replace(/(?:[^laeiouy]es|[^laeiouy]e|ed)$/, "").replace(/^y/, "");
  return Math.max(1, bare.match(/[aeiouy]{1,2}/g)?.length ?? 1);
}

function grade(text: string): number {
  const sentences = text.split(/[.!?]+(?:\s|$)/).filter((sentence) => /\w/.test(sentence));
  const words = text.match(/[A-Za-z']+/g) ?? [];
  if (words.length === 0) return 0;
  const heard = words.reduce((sum, word) => sum + syllables(word), 0);
  return 0.39 * (words.length / Math.max(1, sentences.length)) + 11.8 * (heard / words.length) - 15.59;
}

describe("patients' English", () => {
  // What stands for a name or a number reads as one short word.
  const plain = (text: string): string => {
    const one = text.replace(/\{\w+, plural,.*?other \{((?:[^{}]|\{\w+\})*)\}\s*\}/g, "$1");
    return one.replace(/\{\w+\}/g, "Kim").replace(/#/g, "two");
  };
  const patient = Object.entries(read("en.json")).filter(([key]) => key.startsWith("patient.") || key.startsWith("ui."));
  // Words that patients know and that count as long.
  const known = /\b(?:emergency|message|messages|photo|device|archive|consent|verified|computer|internet|browser|page)\b/gi;
  const sentences = patient.map(([key, text]) => [key, plain(text)] as const).filter(([, text]) => (text.match(/[A-Za-z']+/g) ?? []).length >= 6);

  test("is at most grade 6, taken together and each text for itself", () => {
    const together = sentences.map(([, text]) => (/[.!?]$/.test(text) ? text : `${text}.`)).join(" ");
    expect(grade(together)).toBeLessThanOrEqual(6);
    expect(sentences.map(([key, text]) => [key, Math.round(grade(text.replace(known, "thing")) * 10) / 10] as const).filter(([, each]) => each > 6)).toEqual([]);
  });

  test("has no sentence over 15 words", () => {
    const long = patient.flatMap(([key, text]) =>
      plain(text)
        .split(/[.!?]+(?:\s|$)/)
        .filter((sentence) => (sentence.match(/[\w']+/g) ?? []).length > 15)
        .map((sentence) => [key, sentence]),
    );
    expect(long).toEqual([]);
  });

  test("has none of the words that frighten or say nothing", () => {
    const banned = /please wait|invalid|session|encrypt|authenticat|\bPHI\b|portal|100%|military|certified|\bHIPAA\b/i;
    expect(patient.filter(([, text]) => banned.test(text))).toEqual([]);
  });
});
