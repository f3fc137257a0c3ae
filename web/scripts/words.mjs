// Compiles the message catalogues of locales/ at build time, so that no ICU
// parser is shipped, and gives each app one chunk for each language.
//
//   virtual:words/patient/es   the keys patient.* and ui.*, but for
//   virtual:words/patient.menu/es   what a part of it says that few need
//   virtual:words/staff/es     the keys ui.*, and those of console.* that the
//                              console and the administrators' page share
//   virtual:words/console/es   the other keys console.*, but for
//   virtual:words/console.rare/es   what dialogs say that few people open
//   virtual:words/admin/es     locales/admin/shell, and the titles of all sections
//   virtual:words/admin.people/es   locales/admin/people, a section's own
//   virtual:catalogue/people   the section's three, to be loaded when needed
//   virtual:catalogue/patient.menu   a part's
//   virtual:words/launcher     launcher.* of every language, as plain strings

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { compileMessage } from "@lingui/message-utils/compileMessage";

export const languages = ["en", "es", "ar"];

const folder = new URL("../locales/", import.meta.url);
const prefix = "virtual:words/";
const sectionPrefix = "virtual:catalogue/";

/** What the screens in src/staff say, which the console and the administrators' page share. */
const shared = /^console\.(?:demo$|rail\.signOut$|(?:signIn|lock|expired|field|refusal|proof|strength|setUp|security|role)\.)/;

/** What is said in dialogs of the console that few people open, and of what is found later, and is fetched with them. */
const rare = /^console\.(?:anew$|(?:because|handover|logged|relate|stated|unsent)\.|identity\.(?:how|right|name|born|address|phone|number|photo|wrong|reason|reasonHint|confirm|lost|forget|portal\..*)$|invite\.(?!title$)|emergency\.(?!open$|banner$))/;

/** What parts of the patient's chat say that few need (src/patient/fetched.ts): the words come with them. A word may be in several. */
const parts = {
  menu: /^(?:patient\.(?:agreements$|archive\.what|care-team|code\.|devices|end\.|files$|forget\.|id\.(?:level\.|known)|install|lock$|recall\.|seen$|sound\.|who\.|withdraw\.|wrote$)|ui\.(?:code|theme))/,
  later: /^patient\.(?:agreements|files|rate\.|withdraw\.(?:text|kept))/,
  identity: /^patient\.(?:identity\.|id\.(?:level\.matched|known))/,
  seen: /^patient\.seen/,
  devices: /^patient\.wrote/,
  members: /^patient\.(?:logged|wrote\.broken$)/,
  files: /^(?:patient\.file\.|ui\.(?:photo\.alt|file\.save))/,
  copy: /^patient\.copy\./,
};
const ofPart = (/** @type {string} */ key) => Object.values(parts).some((own) => own.test(key));

/** The sections of the administrators' page, by their catalogues. */
export const adminSections = readdirSync(new URL("admin/", folder))
  .filter((name) => name.endsWith(".en.json") && name !== "shell.en.json")
  .map((name) => name.slice(0, -".en.json".length))
  .sort();

/**
 * @param {string} name
 * @param {(key: string) => boolean} wanted
 */
function read(name, wanted = () => true) {
  const file = fileURLToPath(new URL(name, folder));
  const all = /** @type {Record<string, string>} */ (JSON.parse(readFileSync(file, "utf8")));
  return { file, words: Object.fromEntries(Object.entries(all).filter(([key]) => wanted(key))) };
}

/**
 * The words of one app in one language, not compiled.
 * @param {string} app
 * @param {string} language
 */
export function wordsOf(app, language) {
  /** @type {Record<string, () => ReturnType<typeof read>[]>} */
  const apps = {
    patient: () => [read(`${language}.json`, (key) => !ofPart(key) && (key.startsWith("patient.") || key.startsWith("ui.")))],
    ...Object.fromEntries(Object.entries(parts).map(([name, own]) => [`patient.${name}`, () => [read(`${language}.json`, (key) => own.test(key))]])),
    staff: () => [read(`${language}.json`, (key) => key.startsWith("ui.")), read(`console.${language}.json`, (key) => shared.test(key))],
    console: () => [read(`console.${language}.json`, (key) => !shared.test(key) && !rare.test(key))],
    "console.rare": () => [read(`console.${language}.json`, (key) => rare.test(key))],
    admin: () => [
      read(`admin/shell.${language}.json`),
      ...adminSections.map((id) => read(`admin/${id}.${language}.json`, (key) => key === `admin.${id}.title`)),
    ],
  };
  const section = app.startsWith("admin.") && app.slice("admin.".length);
  const sources = section ? [read(`admin/${section}.${language}.json`)] : (apps[app]?.() ?? []);
  return { files: sources.map((source) => source.file), words: Object.assign({}, ...sources.map((source) => source.words)) };
}

/**
 * A compiled message without the plural forms that say what `other` says, which
 * is what is said where a form is missing.
 * @param {any} message
 * @returns {any}
 */
function lean(message) {
  if (!Array.isArray(message)) return message;
  if (message[1] !== "plural") return message.map(lean);
  const other = JSON.stringify(message[2].other);
  const forms = Object.entries(message[2]).filter(([form, text]) => form === "other" || form.startsWith("=") || JSON.stringify(text) !== other);
  return [message[0], message[1], Object.fromEntries(forms.map(([form, text]) => [form, lean(text)]))];
}

/** @returns {import("vite").Plugin} */
export function words() {
  return {
    name: "sotto-words",
    resolveId(id) {
      return id.startsWith(prefix) || id.startsWith(sectionPrefix) ? `\0${id}` : undefined;
    },
    load(id) {
      if (id.startsWith(`\0${sectionPrefix}`)) {
        const section = id.slice(sectionPrefix.length + 1);
        const app = section.startsWith("patient.") ? section : `admin.${section}`;
        return `export default {${languages.map((name) => `${name}: () => import("${prefix}${app}/${name}")`).join(", ")}}`;
      }
      if (!id.startsWith(`\0${prefix}`)) return undefined;
      const [app, language] = id.slice(prefix.length + 1).split("/");
      if (app === "launcher") {
        const all = languages.map((name) => {
          const { file, words } = read(`${name}.json`);
          this.addWatchFile(file);
          const own = Object.entries(words).filter(([key]) => key.startsWith("launcher."));
          return [name, Object.fromEntries(own.map(([key, text]) => [key.slice("launcher.".length), text]))];
        });
        return `export default ${JSON.stringify(Object.fromEntries(all))}`;
      }
      const { files, words } = wordsOf(/** @type {string} */ (app), /** @type {string} */ (language));
      for (const file of files) this.addWatchFile(file);
      const compiled = Object.entries(words).map(([key, text]) => [key, lean(compileMessage(text))]);
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(Object.fromEntries(compiled)))})`;
    },
  };
}
