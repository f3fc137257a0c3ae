// Each section comes by itself; these two it shares with the others.

import { expect, test } from "vitest";

import { sections } from "./sections.ts";

test.each(["key", "order", "id"] as const)("no two sections have one %s", (what) => {
  const all = sections.map((section) => section[what]);
  expect(all.length).toBeGreaterThan(5); // that they were found at all
  expect(new Set(all).size, all.join(" ")).toBe(all.length);
});
