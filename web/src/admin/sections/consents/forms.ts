// What the screens of consent forms have in common.

import type * as api from "../../../api/schema.ts";
import { t, type WordKey } from "../../../ui/words.svelte.ts";

export const parts = ["title", "points", "purpose", "collected", "kept", "risks", "withdraw", "contact"] as const;
export const kinds = ["chat", "text", "email", "assistant", "minor", "part2"] as const;
export type Parts = { -readonly [part in keyof api.FormParts]: part extends "points" ? string[] : string };

export const kindName = (kind: string): string => t(`admin.consents.kind.${kind}` as WordKey);
export const stateName = (state: string): string => t(`admin.consents.state.${state}` as WordKey);
export const partName = (part: string): string => t(`admin.consents.part.${part}` as WordKey);
export const readerName = (reader: string): string => t(`admin.consents.reader.${reader}` as WordKey);
export const stepName = (act: string): string => t(`admin.consents.step.${act}` as WordKey);

export function emptyParts(): Parts {
  return { title: "", points: [""], purpose: "", collected: "", kept: "", risks: "", withdraw: "", contact: "" };
}

/** A piece of a text, as it was, is no more, or is new. */
export interface Piece {
  readonly text: string;
  readonly is: "same" | "gone" | "new";
}

/** What changed from one text to the other, word by word: the longest common run of words stays. */
export function differences(before: string, after: string): Piece[] {
  const from = before.split(/(\s+)/);
  const to = after.split(/(\s+)/);
  const longest = Array.from({ length: from.length + 1 }, () => new Uint16Array(to.length + 1));
  const at = (i: number, j: number): number => longest[i]?.[j] ?? 0;
  for (let i = from.length - 1; i >= 0; i--) {
    const row = longest[i];
    for (let j = to.length - 1; row && j >= 0; j--) row[j] = from[i] === to[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const pieces: { text: string; is: Piece["is"] }[] = [];
  const add = (text: string, is: Piece["is"]): void => {
    const last = pieces.at(-1);
    if (last?.is === is) last.text += text;
    else pieces.push({ text, is });
  };
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    if (i < from.length && j < to.length && from[i] === to[j]) {
      add(from[i++] ?? "", "same");
      j++;
    } else if (j >= to.length || (i < from.length && at(i + 1, j) >= at(i, j + 1))) add(from[i++] ?? "", "gone");
    else add(to[j++] ?? "", "new");
  }
  return pieces;
}

export const wholeText = (text: api.ConsentText | undefined): string => (text ? [text.title, ...text.points, text.full].join("\n") : "");
