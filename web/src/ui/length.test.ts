import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { tooLong } from "./length.ts";

test("what the core takes is not too long, and one byte more is", () => {
  const source = readFileSync(new URL("../../../internal/content/content.go", import.meta.url), "utf8");
  expect(source).toMatch(/MaxText\s+= 32 << 10/);
  for (const letter of ["a", "é", "م", "漢", "🙂"]) {
    const bytes = new TextEncoder().encode(letter).length;
    const fits = letter.repeat(Math.floor(32768 / bytes));
    expect(tooLong(fits), letter).toBe(false);
    expect(tooLong(fits + letter), letter).toBe(true);
  }
});
