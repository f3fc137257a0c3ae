// The words of the page in the person's language. A catalogue is compiled at
// build time (scripts/words.mjs) and is one chunk of its own.

import type english from "../../locales/en.json";
import type englishAdmin from "../../locales/admin/shell.en.json";
import type englishConsole from "../../locales/console.en.json";
import { inWords, type Compiled, type Value } from "./message.ts";

/** The words of the administrators' page: each of its sections adds its own catalogue's. */
export interface AdminWords {
  shell: keyof typeof englishAdmin;
}

/** The name of a message. What is not in the English catalogue does not compile. */
export type WordKey = keyof typeof english | keyof typeof englishConsole | AdminWords[keyof AdminWords];
export type WordValues = Record<string, Value>;
type Messages = Readonly<Record<string, Compiled>>;

export type App = "patient" | "console" | "admin";
export const languages = ["en", "es", "ar"] as const;
export type Language = (typeof languages)[number];

/** Each language by its own name, which is the same in every language. */
export const languageNames: Record<Language, string> = { en: "English", es: "Español", ar: "العربية" };

export type Catalogues = Readonly<Record<Language, () => Promise<{ default: Messages }>>>;

// Each app is built with its own --mode; what the others say is left out.
const catalogues: Partial<Record<App, readonly Catalogues[]>> = {};
if (import.meta.env.MODE !== "console" && import.meta.env.MODE !== "admin") {
  const patient = {
    en: () => import("virtual:words/patient/en"),
    es: () => import("virtual:words/patient/es"),
    ar: () => import("virtual:words/patient/ar"),
  };
  catalogues.patient = [patient];
}
if (import.meta.env.MODE !== "patient") {
  // What all staff are told who sign in, whether to chats or to run the practice.
  const staff = {
    en: () => import("virtual:words/staff/en"),
    es: () => import("virtual:words/staff/es"),
    ar: () => import("virtual:words/staff/ar"),
  };
  if (import.meta.env.MODE !== "admin") {
    const console = {
      en: () => import("virtual:words/console/en"),
      es: () => import("virtual:words/console/es"),
      ar: () => import("virtual:words/console/ar"),
    };
    catalogues.console = [staff, console];
  }
  if (import.meta.env.MODE !== "console") {
    const admin = {
      en: () => import("virtual:words/admin/en"),
      es: () => import("virtual:words/admin/es"),
      ar: () => import("virtual:words/admin/ar"),
    };
    catalogues.admin = [staff, admin];
  }
}

let app: App = "patient";
// Those of parts of an app that came later.
const further = new Set<Catalogues>();
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

/** Loads an app's words in a language and shows them. */
export async function speak(name: App, wanted: Language): Promise<void> {
  app = name;
  await speakIn(wanted);
}

/** Where no words came, the page shows those that it holds itself, and never goes on: trying again loads it anew. */
export function wordless(): Promise<never> {
  document.getElementById("app")?.remove();
  const told = document.querySelector("main");
  if (told) {
    told.hidden = false;
    told.onclick = ({ target }) => (target as Element).matches("button") && location.reload();
  }
  return new Promise(() => undefined);
}

/** Shows the page in another language. */
export async function speakIn(wanted: Language): Promise<void> {
  const own = catalogues[app];
  if (!own) throw new Error(`no words for ${app} here`);
  const loaded = await Promise.all([...own, ...further].map((each) => each[wanted]()));
  spoken = Object.assign({}, ...loaded.map((each) => each.default)) as Messages;
  current = wanted;
  if (typeof document !== "undefined") {
    document.documentElement.lang = wanted;
    document.documentElement.dir = directionOf(wanted);
  }
}

/** Adds the words of a part of the app, now and in whatever language is spoken later. */
export async function learn(part: Catalogues): Promise<void> {
  if (further.has(part)) return;
  const wanted = current;
  const { default: messages } = await part[wanted]();
  further.add(part);
  if (wanted === current) spoken = { ...spoken, ...messages };
  else await speakIn(current);
}

/** The message of that name in the language in use. */
export function t(key: WordKey, values?: WordValues): string {
  void current;
  return inWords(spoken[key] ?? key, current, values);
}
