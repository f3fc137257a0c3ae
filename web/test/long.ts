// For a page with ?long: every message longer than it is, as other languages
// make it, to see what does not fit: a short one in its last word, a long one
// by more words.

import { compileMessage } from "@lingui/message-utils/compileMessage";
import type { Plugin } from "vite";

import { wordsOf } from "../scripts/words.mjs";

const prefix = "\0virtual:words/";

function stretched(source: string): unknown {
  const compiled = compileMessage(source);
  const more = Math.max(2, Math.ceil(source.replace(/\{[^}]*\}/g, "").length * 0.4));
  const tail = source.length < 14 ? "ø".repeat(more) : ` ${"løngwise ".repeat(Math.ceil(more / 9)).slice(0, Math.max(3, more)).trim()}`;
  return typeof compiled === "string" ? compiled + tail : [...compiled, tail];
}

export function longWords(): Plugin {
  return {
    name: "sotto-long-words",
    enforce: "pre",
    load(id) {
      if (!id.startsWith(prefix)) return undefined;
      const [app = "", language = ""] = id.slice(prefix.length).split("/");
      const words = Object.entries(wordsOf(app, language).words);
      const each = (compiled: (text: string) => unknown): string => JSON.stringify(Object.fromEntries(words.map(([key, text]) => [key, compiled(text)])));
      return `export default new URLSearchParams(location.search).has("long") ? ${each(stretched)} : ${each(compileMessage)}`;
    },
  };
}
