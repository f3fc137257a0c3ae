// Questions about the log of one conversation that the console asks. How lines
// are put in order is in ui/log.ts.

import type { Line, Message } from "../../core/shared/protocol.ts";
import { keyOf, positionOf } from "../../ui/log.ts";

export function remove(log: readonly Line[], id: string): readonly Line[] {
  return log.filter((l) => keyOf(l) !== id);
}

/** The position before which an older page begins. */
export function oldestPosition(log: readonly Line[]): number | undefined {
  for (const line of log) {
    const position = positionOf(line);
    if (position !== undefined) return position;
  }
  return undefined;
}

/** The position of the newest message that somebody else wrote. */
export function newestOfOthers(log: readonly Line[]): number | undefined {
  for (let i = log.length - 1; i >= 0; i--) {
    const line = log[i];
    if (line?.type === "message" && !line.message.mine && line.message.position !== undefined) return line.message.position;
  }
  return undefined;
}

/**
 * The position up to which all was read, if the last `unread` messages of
 * others were not. Undefined if everything was.
 */
export function readUpTo(log: readonly Line[], unread: number): number | undefined {
  let left = unread;
  let first: number | undefined;
  for (let i = log.length - 1; i >= 0 && left > 0; i--) {
    const line = log[i];
    if (line?.type !== "message" || line.message.mine || line.message.position === undefined) continue;
    first = line.message.position;
    left--;
  }
  return first === undefined ? undefined : first - 1;
}

/** The messages that carry a file, newest first. */
export function filesIn(log: readonly Line[]): readonly Message[] {
  const found: Message[] = [];
  for (let i = log.length - 1; i >= 0; i--) {
    const line = log[i];
    if (line?.type === "message" && line.message.body.kind === "file") found.push(line.message);
  }
  return found;
}
