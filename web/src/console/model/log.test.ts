import { describe, expect, it } from "vitest";

import type { ConversationId, Line, MessageId, PersonId } from "../../core/shared/protocol.ts";
import { filesIn, newestOfOthers, oldestPosition, readUpTo, remove } from "./log.ts";

function said(id: string, position?: number, mine = false): Line {
  return {
    type: "message",
    message: {
      id: id as MessageId,
      conversation: "c_1" as ConversationId,
      from: "p_1" as PersonId,
      mine,
      at: 1,
      ...(position === undefined ? {} : { position }),
      body:
        id === "file"
          ? { kind: "file", file: { name: "x.pdf", mediaType: "application/pdf", size: 1 } }
          : { kind: "text", text: id },
    },
  };
}

const log = [said("a", 1), said("file", 2), said("mine", 3, true), said("c", 4), said("on its way", undefined, true)];

describe("a log", () => {
  it("knows its ends", () => {
    expect(oldestPosition(log)).toBe(1);
    expect(newestOfOthers(log)).toBe(4);
    expect(newestOfOthers([])).toBeUndefined();
  });

  it("forgets a line", () => expect(remove(log, "file")).toHaveLength(4));

  it("finds the files", () => expect(filesIn(log).map((m) => m.id)).toEqual(["file"]));

  it.each([
    [0, undefined],
    [1, 3],
    [2, 1],
    [9, 0],
  ])("with %d unread was read up to %s", (unread, position) => expect(readUpTo(log, unread)).toBe(position));
});
