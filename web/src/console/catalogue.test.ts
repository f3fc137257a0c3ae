import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import arabic from "../../locales/console.ar.json";
import english from "../../locales/console.en.json";
import spanish from "../../locales/console.es.json";

const catalogues: Record<string, Record<string, string>> = { es: spanish, ar: arabic };
const keys = Object.keys(english);

/** The names of the values in a message. */
function values(message: string): string[] {
  return [...new Set([...message.matchAll(/\{(\w+)/g)].map((m) => m[1] ?? ""))].filter((name) => /^[a-z]/.test(name)).sort();
}

// The console's own sources, and those that it shares with the administrators' page.
const sources = [import.meta.dirname, join(import.meta.dirname, "../staff")]
  .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)))
  .filter((name) => /\.(ts|svelte)$/.test(name) && !name.endsWith(".test.ts"))
  .map((name) => readFileSync(name, "utf8"))
  .join("\n");

describe("the console's words", () => {
  it("are all used", () => {
    const unused = keys.filter((key) => !key.startsWith("console.command.") && !sources.includes(`"${key}"`));
    expect(unused).toEqual([]);
  });

  describe.each(Object.keys(catalogues))("in %s", (language) => {
    const words = catalogues[language] ?? {};

    it("are complete and no more", () => expect(Object.keys(words).sort()).toEqual([...keys].sort()));

    it("take the same values", () => {
      const wanted = Object.fromEntries(Object.entries(english).map(([key, text]) => [key, plain(text)]));
      const found = Object.fromEntries(Object.entries(words).map(([key, text]) => [key, plain(text)]));
      expect(found).toEqual(wanted);
    });

    it("are not English", () => {
      const same = Object.entries(english).filter(([key, text]) => words[key] === text && /[a-z]{4}/i.test(text.replace(/\{[^}]*\}/g, "")));
      expect(same.map(([key]) => key)).toEqual([]);
    });
  });
});

// Plural arms hold words in braces, which are no values.
function plain(message: string): string[] {
  return values(message).filter((name) => new RegExp(`\\{${name}[,}]`).test(message));
}
