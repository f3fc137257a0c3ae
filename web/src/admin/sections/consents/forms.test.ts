import { expect, test } from "vitest";

import { differences } from "./forms.ts";

const both = (pieces: ReturnType<typeof differences>, without: string): string => pieces.flatMap((piece) => (piece.is === without ? [] : piece.text)).join("");

test("a difference holds both texts whole, and marks no more than has changed", () => {
  const [before, after] = ["We keep it for ten years.\nCall us.", "We keep it for six years.\nCall us now."];
  const pieces = differences(before, after);
  expect(both(pieces, "new")).toBe(before);
  expect(both(pieces, "gone")).toBe(after);
  expect(pieces.filter((piece) => piece.is === "gone").map((piece) => piece.text)).toEqual(["ten", "us."]);
  expect(differences("", "x").map((piece) => piece.is)).toEqual(["gone", "new"]);
});
