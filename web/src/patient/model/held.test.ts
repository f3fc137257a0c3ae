import { expect, it } from "vitest";
import type { Line, Message } from "../../core/shared/protocol.ts";
import { heldAfter, isHeldUp } from "./held.ts";

const line = (over: Partial<Message>): Line => ({
  type: "message",
  message: { id: "m_1" as never, conversation: "c_1" as never, from: "p_1" as never, mine: true, at: 1000, body: { kind: "text", text: "x" } as never, state: { kind: "sending" }, ...over },
});

it("tells of a message that waits long to go out", () => {
  const later = 1000 + heldAfter;
  expect(isHeldUp([line({})], later - 1)).toBe(false);
  expect(isHeldUp([line({})], later)).toBe(true);
  expect(isHeldUp([line({ state: { kind: "queued" } })], later)).toBe(true);
  expect(isHeldUp([line({ state: { kind: "sent", position: 2 } as never })], later)).toBe(false);
  expect(isHeldUp([line({ state: { kind: "failed", failure: "internal" } as never })], later)).toBe(false);
  expect(isHeldUp([line({ mine: false, state: undefined })], later)).toBe(false);
  expect(isHeldUp([line({ progress: 0.5 })], later), "a file that is on its way up").toBe(false);
  expect(isHeldUp([line({ progress: 0, state: { kind: "full" } })], later), "a file that there is no room for").toBe(true);
});
