import { describe, expect, it } from "vitest";

import type { PersonId } from "../../core/shared/protocol.ts";
import { codeGroups, initials, tagOf } from "./names.ts";

describe("initials", () => {
  it.each([
    ["Ana Peña", "AP"],
    ["dr. Lee", "DL"],
    ["Mary Ann van Dyke", "MD"],
    ["أمل حسن", "أح"],
    ["李", "李"],
    ["(—) Kim", "K"],
    ["", ""],
  ])("of %j", (name, letters) => expect(initials(name)).toBe(letters));
});

it("names a stranger by the end of an id", () => {
  expect(tagOf("p_mfrggzdfmztwq2lk" as PersonId)).toBe("Q2LK");
});

it("parts a safety code however it is written", () => {
  const groups = ["12345", "67890", "11111", "22222", "33333", "44444"];
  expect(codeGroups(groups.join(" "))).toEqual(groups);
  expect(codeGroups(groups.join(""))).toEqual(groups);
});
