// A copy of the chat for the person to keep: one page of plain HTML, made here
// on their device of what is on their screen. No server has a part in it.

import type { Line } from "../core/shared/protocol.ts";
import { save } from "../ui/files/received.ts";
import { date, dayAndClock } from "../ui/time.ts";
import { direction, t } from "../ui/words.svelte.ts";
import type { View } from "./view.svelte.ts";
import { called, noticeWords, worthShowing } from "./words.ts";

const safe = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** The page's text. Everything that somebody wrote is text in it, and nothing else. */
export function copyOf(view: Pick<View, "language" | "practiceName" | "state" | "now">, lines: readonly Line[]): string {
  const { language, practiceName: practice, now } = view;
  const { people } = view.state;
  const rows = lines.flatMap((line) => {
    if (line.type === "notice") return worthShowing(line.line, people) ? [`<p class="n">${safe(noticeWords(line.line, people, practice))}</p>`] : [];
    const { body, from, at, mine } = line.message;
    const who = mine ? t("patient.you") : called(people.get(from), practice);
    const said =
      body.kind === "text" ? body.text : body.kind === "file" ? t("patient.copy.file", { name: body.file.name }) : body.kind === "recalled" ? t("ui.message.recalled") : t("ui.message.unreadable");
    return [`<div><b dir="auto">${safe(who)}</b> <small>${safe(dayAndClock(language, at, Infinity))}</small><p dir="auto">${safe(said)}</p></div>`];
  });
  const title = safe(t("patient.copy.title", { practice }));
  return `<!doctype html><html lang="${language}" dir="${direction()}"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="viewport" content="width=device-width"><title>${title}</title><style>body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem}div{margin:1rem 0}div p{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}small,.n{color:#555}</style><h1>${title}</h1><p>${safe(t("patient.copy.made", { when: date(language, now) }))} ${safe(t("patient.copy.keep"))}</p>${rows.join("\n")}</html>\n`;
}

/** Gives the person the copy as a file. */
export function saveCopyOf(view: View, lines: readonly Line[]): void {
  save(new Blob([copyOf(view, lines)], { type: "text/html" }), `chat-${new Date(view.now).toISOString().slice(0, 10)}.html`);
}
