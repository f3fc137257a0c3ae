import { expect, test } from "vitest";

import { pathOf } from "./rows.svelte.ts";

test("the address is the call: days are whole, and nothing else is passed on", () => {
  const path = new URL(pathOf(new URLSearchParams("patient=p_ana&from=2026-11-01&until=2026-11-02&made=up&kind=")), "http://x");
  expect([...path.searchParams.keys()].sort()).toEqual(["from", "limit", "patient", "until"]);
  expect(Number(path.searchParams.get("until")) - Number(path.searchParams.get("from"))).toBeGreaterThan(46 * 3_600_000);
  expect(pathOf(new URLSearchParams("from=yesterday"))).toBe("/v1/admin/audit/events?limit=50");
});
