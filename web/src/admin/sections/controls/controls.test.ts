import { describe, expect, test } from "vitest";

import type * as api from "../../../api/schema.ts";
import { daily, rows, stateOf } from "./controls.ts";

const counts = { met: 1, needs_decision: 0, falls_short: 0, not_applicable: 0 };
const run = (id: string, at: string): api.ControlRun => ({ id, at: Date.parse(at), practice: "t", version: "v1", counts, results: [] });
const control = (id: string) => ({ id, title: "", cite: "", family: "technical", kind: "required", asks: "", evidence: [], tests: [], threats: [], owner: "", review_months: 12 }) as api.Control;

describe("controls", () => {
  test("what needs somebody comes first, and what is not known is the worst", () => {
    const found = { ...run("r", "2026-11-29"), results: [{ id: "a", state: "met", says: "", findings: [] }, { id: "b", state: "needs-decision", says: "", findings: [] }, { id: "c", state: "splendid", says: "", findings: [] }] };
    expect(rows({ controls: ["a", "b", "c", "d"].map(control), run: found, history: [] }).map((row) => row.control.id)).toEqual(["c", "d", "b", "a"]);
    expect(stateOf("splendid")).toBe("falls-short");
    expect(stateOf(undefined)).toBe("falls-short");
  });

  test("of each day the newest look counts, the oldest day first", () => {
    const history = [run("4", "2026-11-29T18:00Z"), run("3", "2026-11-29T08:00Z"), run("2", "2026-11-28T08:00Z"), run("1", "2026-11-01T08:00Z")];
    expect(daily(history, 90).map(({ id }) => id)).toEqual(["1", "2", "4"]);
    expect(daily(history, 2).map(({ id }) => id)).toEqual(["2", "4"]);
  });
});
