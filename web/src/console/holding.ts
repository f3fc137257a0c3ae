// Looks at what staff are about to send to who has not shown who they are yet.

import type { ConversationId } from "../core/shared/protocol.ts";
import type { Desk } from "./desk.svelte.ts";
import type { Held, HoldReason } from "./model/holdback.ts";

export interface HeldPart {
  readonly kind: Held;
  readonly text: string;
}

/** What looks is fetched as soon as there is somewhere to write: without a line it could not be. */
export const looker = (): Promise<typeof import("../phi/inspect.ts")> => import("../phi/inspect.ts");

/** What is held back of a text, and of files by their names; undefined if it could not be looked at, which is told. */
export async function heldIn(desk: Desk, id: ConversationId, typed: string, files: readonly string[], now: number): Promise<readonly HeldPart[] | undefined> {
  const found: HeldPart[] = files.map((text) => ({ kind: "attachment", text }));
  try {
    const { inspect } = await looker();
    const before = desk.thread(id).lines.flatMap((line) => (line.type === "message" && line.message.mine && line.message.state?.kind !== "failed" && line.message.body.kind === "text" ? [line.message.body.text] : []));
    const options = { year: new Date(now).getFullYear(), records: desk.practice?.record_numbers ?? [], allowed: [desk.practice?.phone ?? ""] };
    for (const part of inspect(typed, before.slice(-2), options)) found.push({ kind: part.kind, text: typed.slice(Math.max(0, part.start), part.end) });
    return found;
  } catch {
    desk.toast("bad", "console.hold.failed");
    return undefined;
  }
}

/** Has the server note that it goes all the same; false if it could not, and then it does not go. */
export async function noteHeld(desk: Desk, id: ConversationId, held: readonly HeldPart[], reason: HoldReason): Promise<boolean> {
  try {
    await desk.patients?.heldBack(id, [...new Set(held.map((part) => part.kind))].slice(0, 10), reason);
    return true;
  } catch {
    return false;
  }
}
