// When a staff person is asked to think again before they send: as long as the
// patient has not shown who they are, as far as the queue wants it.

import type { Conversation, Level } from "../../core/shared/protocol.ts";
import type { Kind } from "../../phi/inspect.ts";

const ladder: readonly Level[] = ["guest", "contact", "matched", "signed-in"];

/**
 * True if health is not to be spoken of yet. What is not known counts as not
 * shown, as does who somebody is that may not write for whom they say.
 */
export function isBelow(c: Pick<Conversation, "verification" | "queue" | "unconfirmed">, queues: readonly { id: string; level?: Level }[], now: number): boolean {
  const wanted = queues.find((queue) => queue.id === c.queue)?.level ?? "matched";
  const { level = "guest", until } = c.verification ?? {};
  const shown = c.unconfirmed || (until !== undefined && until > 0 && until <= now) ? "guest" : level;
  return ladder.indexOf(shown) < ladder.indexOf(wanted);
}

/** What was found, and that files go along, which nobody looked into. */
export type Held = Kind | "attachment";

/** True if the files that would go now are those that were looked at: one may become ready meanwhile. */
export function sameFiles(looked: readonly { id: number }[], ready: readonly { id: number }[]): boolean {
  return looked.length === ready.length && looked.every((file, i) => file.id === ready[i]?.id);
}

export const holdReasons = ["not-health", "urgent", "known-otherwise", "their-own-words", "other"] as const;
export type HoldReason = (typeof holdReasons)[number];
