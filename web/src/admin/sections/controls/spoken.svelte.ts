// What the server says of controls and of what it found, in the language of the
// page: the server says it in English. What has no words here is left in English
// and marked as such: a sentence of a newer server, and what an earlier version
// found.

import type * as api from "../../../api/schema.ts";
import { language, type Language } from "../../../ui/words.svelte.ts";
import { filled, type Row } from "./controls.ts";

/** Words of another language, by the code of a finding's sentence and by a control's text in English. */
interface Words {
  readonly findings: Readonly<Record<string, string>>;
  readonly texts: Readonly<Record<string, string>>;
}

const translations: Partial<Record<Language, () => Promise<{ default: Words }>>> = {
  es: () => import("../../../../locales/controls/es.json"),
  ar: () => import("../../../../locales/controls/ar.json"),
};

/** A text, and its language if that is not the page's. */
export interface Said {
  readonly text: string;
  readonly lang?: "en";
}

export const inEnglish = (text: string): Said => ({ text, lang: "en" });

export class Spoken {
  private words = $state.raw<Words>();

  async speak(wanted: Language): Promise<void> {
    const words = (await translations[wanted]?.())?.default;
    if (wanted === language()) this.words = words;
  }

  /** What a control is called and asks, who answers for it, or what is missing of it. */
  text(said: string): Said {
    const text = this.words?.texts[said];
    return text ? { text } : inEnglish(said);
  }

  finding({ says, words }: api.ControlFinding): Said {
    return this.sentences(words) ?? inEnglish(says);
  }

  fix({ fix, fix_words: words }: api.ControlFinding): Said | undefined {
    return fix ? (this.sentences(words && [words]) ?? inEnglish(fix)) : undefined;
  }

  /** Why a control is in its state: what is missing of it, or the findings that are no better. */
  result({ control, result }: Row): Said | undefined {
    if (!result) return undefined;
    if (control.missing === result.says) return this.text(result.says);
    const worst = result.findings.filter(({ state }) => state === result.state);
    return this.sentences(worst.length > 0 && worst.every(({ words }) => words) ? worst.flatMap(({ words }) => words ?? []) : undefined) ?? inEnglish(result.says);
  }

  /** All of them in the page's language, or none. */
  private sentences(all: readonly api.ControlWords[] | undefined): Said | undefined {
    const known = this.words?.findings;
    if (!known || !all?.length || !all.every(({ code }) => known[code])) return undefined;
    return { text: all.map(({ code, args }) => filled(known[code] ?? "", args ?? [])).join(" ") };
  }
}
