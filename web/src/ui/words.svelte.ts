// The words of the page in the person's language. A catalogue is compiled at
// build time (scripts/words.mjs) and is one chunk of its own.

import type english from "../../locales/en.json";
import type englishConsole from "../../locales/console.en.json";
import { inWords, type Compiled, type Value } from "./message.ts";

/** The name of a message. What is not in the English catalogue does not compile. */
export type WordKey = keyof typeof english | keyof typeof englishConsole;
export type WordValues = Record<string, Value>;
type Messages = Readonly<Record<string, Compiled>>;

export type App = "patient" | "console";
export const languages = ["en", "es", "ar"] as const;
export type Language = (typeof languages)[number];

/** Each language by its own name, which is the same in every language. */
export const languageNames: Record<Language, string> = { en: "English", es: "Español", ar: "العربية" };

type Catalogues = Record<Language, () => Promise<{ default: Messages }>>;

// Each app is built with its own --mode; what the other one says is left out.
const catalogues: Partial<Record<App, Catalogues>> = {};
if (import.meta.env.MODE !== "console") {
  catalogues.patient = {
    en: () => import("virtual:words/patient/en"),
    es: () => import("virtual:words/patient/es"),
    ar: () => import("virtual:words/patient/ar"),
  };
}
if (import.meta.env.MODE !== "patient") {
  catalogues.console = {
    en: () => import("virtual:words/console/en"),
    es: () => import("virtual:words/console/es"),
    ar: () => import("virtual:words/console/ar"),
  };
}

let spoken: Messages = {};
let current = $state.raw<Language>("en");

/** The language in use. Reading it in a component makes the component follow it. */
export function language(): Language {
  return current;
}

export function directionOf(language: string): "ltr" | "rtl" {
  return /^(ar|fa|he|ur)\b/.test(language) ? "rtl" : "ltr";
}

export function direction(): "ltr" | "rtl" {
  return directionOf(current);
}

/** The first of the wanted BCP 47 tags that we speak. */
export function chooseLanguage(wanted: readonly string[], fallback: Language = "en"): Language {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split("-")[0];
    const found = languages.find((name) => name === base);
    if (found) return found;
  }
  return fallback;
}

/** Loads the words of a language and shows them. */
export async function speak(app: App, wanted: Language): Promise<void> {
  const load = catalogues[app]?.[wanted];
  if (!load) throw new Error(`no words for ${app} here`);
  const { default: messages } = await load();
  spoken = messages;
  current = wanted;
  if (typeof document !== "undefined") {
    document.documentElement.lang = wanted;
    document.documentElement.dir = directionOf(wanted);
  }
}

/** The message of that name in the language in use. */
export function t(key: WordKey, values?: WordValues): string {
  void current;
  return inWords(spoken[key] ?? key, current, values);
}
