import { describe, expect, it } from "vitest";

import { ageOf, clock, long, urgencyOf } from "./age.ts";

const now = 1_800_000_000_000;

describe("clock", () => {
  it.each([
    [0, "00:00"],
    [59_999, "00:59"],
    [192_000, "03:12"],
    [3_599_000, "59:59"],
    [3_600_000, "1h"],
    [90_000_000, "1d"],
    [-5_000, "00:00"], // this clock is behind the hub's
  ])("shows %d ms", (span, text) => {
    expect(clock(now - span, now, "en")).toBe(text);
  });
});

describe("long", () => {
  it("speaks the locale's words", () => {
    expect(long(ageOf(now - 300_000, now), "en")).toBe("5 minutes");
    expect(long(ageOf(now - 300_000, now), "es")).toBe("5 minutos");
  });
});

describe("urgencyOf", () => {
  it.each([
    [4, 5, "fresh"],
    [5, 5, "long"],
    [10, 5, "late"],
    [9, 0, "fresh"],
    [12, 0, "long"],
  ])("finds %d min of usually %d min %s", (minutes, usual, urgency) => {
    expect(urgencyOf(now - minutes * 60_000, now, usual)).toBe(urgency);
  });
});
