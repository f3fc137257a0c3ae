// Compiles the message catalogues of locales/ at build time, so that no ICU
// parser is shipped, and gives each app one chunk for each language.
//
//   virtual:words/patient/es   the keys patient.* and ui.*
//   virtual:words/console/es   the keys console.* and ui.*
//   virtual:words/launcher     launcher.* of every language, as plain strings

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { compileMessage } from "@lingui/message-utils/compileMessage";

export const languages = ["en", "es", "ar"];

const folder = new URL("../locales/", import.meta.url);
const prefix = "virtual:words/";

/** @param {string} name */
function read(name) {
  const file = fileURLToPath(new URL(name, folder));
  return { file, words: /** @type {Record<string, string>} */ (JSON.parse(readFileSync(file, "utf8"))) };
}

/**
 * The words of one app in one language, not compiled.
 * @param {string} app
 * @param {string} language
 */
export function wordsOf(app, language) {
  const parts = [read(`${language}.json`)];
  if (app === "console") parts.push(read(`console.${language}.json`));
  const words = Object.fromEntries(
    parts.flatMap((part) => Object.entries(part.words)).filter(([key]) => key.startsWith(`${app}.`) || key.startsWith("ui.")),
  );
  return { files: parts.map((part) => part.file), words };
}

/** @returns {import("vite").Plugin} */
export function words() {
  return {
    name: "sotto-words",
    resolveId(id) {
      return id.startsWith(prefix) ? `\0${id}` : undefined;
    },
    load(id) {
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
      const compiled = Object.entries(words).map(([key, text]) => [key, compileMessage(text)]);
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(Object.fromEntries(compiled)))})`;
    },
  };
}
