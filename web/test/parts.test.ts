// The parts of the patient's chat that are fetched when they are pressed for:
// whatever a file says, its words are there when it is.

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import english from "../locales/en.json";
import { wordsOf } from "../scripts/words.mjs";

const src = fileURLToPath(new URL("../src/", import.meta.url));

/** The files that one comes to without a dynamic import. */
function reach(...starts: string[]): Set<string> {
  const found = new Set(starts.map((start) => resolve(src, start)));
  for (const file of found) {
    const text = readFileSync(file, "utf8");
    for (const [, from] of text.matchAll(/^\s*(?:import|export) (?!type )(?:[\w*{},\s$]+ from )?"(\.[^"]+)"/gm)) {
      const next = resolve(dirname(file), from ?? "");
      if (existsSync(next) && /\.(ts|svelte)$/.test(next)) found.add(next);
    }
  }
  return found;
}

/** The words that files name as they are. */
function said(files: Iterable<string>): string[] {
  const keys = new Set<string>();
  for (const file of files) for (const [, key] of readFileSync(file, "utf8").matchAll(/"((?:patient|ui)\.[\w.-]+)"/g)) if (key && key in english) keys.add(key);
  return [...keys];
}

const parts = [...readFileSync(`${src}patient/fetched.ts`, "utf8").matchAll(/words: (\w+)Words, load: \(\) => import\("\.\/([^"]+)"\)/g)].map(([, words, file]) => ({
  words: words ?? "",
  file: `patient/${file}`,
}));
const always = reach("patient/main.ts", "patient/screens/later.ts", "patient/screens/Chat.svelte");
const known = Object.keys(wordsOf("patient", "en").words);

test("the chat's own words are there before any part is", () => {
  expect(said(always).length).toBeGreaterThan(100);
  expect(said(always).filter((key) => !known.includes(key))).toEqual([]);
});

test.each(parts)("$file comes with its words", ({ words, file }) => {
  const own = wordsOf(`patient.${words}`, "en").words;
  expect(Object.keys(own)).not.toEqual([]);
  expect(always.has(resolve(src, file)), "it loads with the chat, whether anybody presses or not").toBe(false);
  expect(said(reach(file)).filter((key) => !known.includes(key) && !(key in own))).toEqual([]);
});

test("every word is in a catalogue that somebody loads", () => {
  const all = new Set([...known, ...parts.flatMap(({ words }) => Object.keys(wordsOf(`patient.${words}`, "en").words))]);
  expect(parts.length).toBeGreaterThanOrEqual(5); // that they were found at all
  expect(Object.keys(english).filter((key) => !key.startsWith("launcher.") && !all.has(key))).toEqual([]);
});
