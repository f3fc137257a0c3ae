import { describe, expect, it } from "vitest";

import { checkPassword } from "./strength.ts";

describe("checkPassword", () => {
  it.each([
    ["", "short"],
    ["fourteen chars", "short"],
    ["fifteen chars !", undefined],
    ["long enough but the login", "login"],
    ["x".repeat(257), "long"],
    ["🙂".repeat(15), undefined],
  ])("judges %j", (password, fault) => {
    expect(checkPassword(password, "Long enough but the login").fault).toBe(fault);
  });
});
