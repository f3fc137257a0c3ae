// What somebody wrote in this browser that has not left it, for when all that
// the browser keeps is about to be deleted.

import type { Message } from "../core/shared/protocol.ts";
import type { Desk } from "./desk.svelte.ts";
import { titleOf } from "./words.ts";

export interface Unsent {
  /** Whose chat it is. */
  readonly title: string;
  /** As it was written, oldest first; of a file its name. */
  readonly texts: readonly string[];
}

export async function unsentOf(desk: Desk): Promise<readonly Unsent[]> {
  const all = await Promise.all(
    [...desk.inbox.byId.values()].map(async (c) => {
      const lines = await desk.core.lines(c.id).catch(() => []);
      const texts = lines.flatMap((line) => (line.type === "message" && waits(line.message) ? [wordsOf(line.message)] : []));
      return { title: titleOf(c), texts: [...texts, desk.draft(c.id)].filter((text) => text.trim() !== "") };
    }),
  );
  return all.filter(({ texts }) => texts.length > 0);
}

const waits = ({ state }: Message): boolean => state !== undefined && ["sending", "queued", "full", "failed"].includes(state.kind);

const wordsOf = ({ body }: Message): string => (body.kind === "text" ? body.text : body.kind === "file" ? body.file.name : "");

/** All of it, to be pasted. */
export const asText = (all: readonly Unsent[]): string => all.map(({ title, texts }) => [title, ...texts].join("\n")).join("\n\n");
