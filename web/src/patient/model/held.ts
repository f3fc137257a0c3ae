import type { Line } from "../../core/shared/protocol.ts";

/** After how many milliseconds a message that has not gone out is worth a word. */
export const heldAfter = 20_000;

/**
 * Whether a message has waited long to go out although there is a connection:
 * the practice's record keeper is away, and a first chat cannot begin without it.
 */
export function isHeldUp(lines: readonly Line[], now: number): boolean {
  return lines.some((line) => {
    if (line.type !== "message" || !line.message.mine || now - line.message.at < heldAfter) return false;
    const kind = line.message.state?.kind;
    return kind === "full" || (line.message.progress === undefined && (kind === "sending" || kind === "queued"));
  });
}
