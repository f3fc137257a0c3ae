import { expect, test } from "vitest";

import { archive, me, message, notice, noon, nurse } from "../../test/fakeCore.ts";
import type { PersonId } from "../core/shared/protocol.ts";
import { arrange, arranger, mergeLines, type Row } from "./log.ts";

const shape = (rows: readonly Row[]): string[] =>
  rows.map((row) => (row.type === "message" ? `${row.first ? "[" : ""}${row.message.body.kind === "text" ? row.message.body.text : "?"}${row.last ? "]" : ""}` : row.type));

test("one sender's messages within three minutes are a run", () => {
  const lines = [
    message(1, "a"),
    message(2, "b"),
    message(3, "c", { mine: false }),
    message(4, "d", { at: noon + 10 * 60_000 }),
    message(5, "e", { at: noon + 14 * 60_000 }),
  ];
  expect(shape(arrange(lines))).toEqual(["day", "[a", "b]", "[c]", "[d]", "[e]"]);
});

test("a new day starts with its name, and breaks a run", () => {
  const late = new Date(2026, 2, 2, 23, 59).getTime();
  expect(shape(arrange([message(1, "a", { at: late }), message(2, "b", { at: late + 120_000 })]))).toEqual(["day", "[a]", "day", "[b]"]);
});

test("the divider stands before the first unread message of others", () => {
  const lines = [message(1, "a", { mine: false }), message(2, "b"), message(3, "c", { mine: false }), message(4, "d", { mine: false })];
  expect(shape(arrange(lines, { readUpTo: 1 }))).toEqual(["day", "[a]", "[b]", "new", "[c", "d]"]);
  expect(shape(arrange(lines, { readUpTo: 4 }))).not.toContain("new");
});

test("people who join one after the other are one line", () => {
  const joined = (position: number, person: string) => notice(position, { kind: "joined", person: person as PersonId });
  const rows = arrange([joined(1, archive), joined(2, nurse), joined(3, "p_lee"), message(4, "hi"), joined(5, nurse)]);
  expect(rows.map((row) => row.type)).toEqual(["day", "joins", "message", "notice"]);
  expect(rows[1]).toMatchObject({ people: [archive, nurse, "p_lee"] });
});

test("what has a position comes first, whatever its clock said", () => {
  const lines = mergeLines([message(undefined, "typed", { at: noon })], [message(2, "b", { at: noon + 9 }), message(1, "a", { at: noon + 99 })]);
  expect(shape(arrange(lines))).toEqual(["day", "[a", "b", "typed]"]);
});

test("a changed line takes the place of its former self", () => {
  const before = message(undefined, "x", { id: "m_x" as never });
  const after = message(1, "x", { id: "m_x" as never });
  expect(mergeLines([before], [after])).toEqual([after]);
  expect(after.type === "message" && after.message.from).toBe(me);
});

test("a row that has not changed is the very row of before", () => {
  const again = arranger();
  const lines = [notice(1, { kind: "joined", person: nurse }), message(2, "a"), message(3, "b")];
  const before = again(lines);
  const after = again(mergeLines(lines, [message(4, "c")]));
  expect(shape(after)).toEqual(["day", "notice", "[a", "b", "c]"]);
  expect(after.map((row, place) => row === before[place])).toEqual([true, true, true, false, false]);
});
