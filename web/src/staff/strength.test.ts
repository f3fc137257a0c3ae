import { describe, expect, it } from "vitest";

import { faultWords, grade } from "./strength.ts";

describe("grade", () => {
  it.each([
    [{ bits: 70, fault: "classes" }, 1],
    [{ bits: 10, fault: "common" }, 1],
    [{ bits: 31 }, 2],
    [{ bits: 45 }, 3],
    [{ bits: 60 }, 4],
  ] as const)("shows %o as %d", (strength, level) => expect(grade(strength)).toBe(level));

  it("has words for each fault", () => {
    for (const fault of ["short", "long", "common", "context", "classes"] as const) expect(faultWords(fault)).toBe(`console.setUp.${fault}`);
  });
});
