import { expect, it } from "vitest";

import { isBelow, sameFiles } from "./holdback.ts";

const queues = [{ id: "care", level: "matched" as const }, { id: "desk", level: "guest" as const }, { id: "odd" }];

it("asks for what the queue wants", () => {
  expect(isBelow({ queue: "desk" }, queues, 0)).toBe(false);
  expect(isBelow({ queue: "care" }, queues, 0)).toBe(true);
  expect(isBelow({ queue: "care", verification: { level: "contact" } }, queues, 0)).toBe(true);
  expect(isBelow({ queue: "care", verification: { level: "matched" } }, queues, 0)).toBe(false);
  expect(isBelow({ queue: "care", verification: { level: "signed-in" } }, queues, 0)).toBe(false);
});

it("holds back where it does not know", () => {
  expect(isBelow({ queue: "odd" }, queues, 0)).toBe(true);
  expect(isBelow({ queue: "nowhere", verification: { level: "contact" } }, [], 0)).toBe(true);
});

it("takes nobody at their word that they write for another", () => {
  const verification = { level: "signed-in" as const };
  expect(isBelow({ queue: "care", verification, unconfirmed: true }, queues, 0)).toBe(true);
  expect(isBelow({ queue: "care", verification, unconfirmed: false }, queues, 0)).toBe(false);
  expect(isBelow({ queue: "desk", verification, unconfirmed: true }, queues, 0)).toBe(false);
});

it("lets a proof lapse", () => {
  const c = { queue: "care", verification: { level: "matched" as const, until: 100 } };
  expect(isBelow(c, queues, 99)).toBe(false);
  expect(isBelow(c, queues, 100)).toBe(true);
});

it("looks also at a file that became ready after the first look", () => {
  const [one, two] = [{ id: 1 }, { id: 2 }];
  expect(sameFiles([], [])).toBe(true);
  expect(sameFiles([one], [{ id: 1 }])).toBe(true);
  expect(sameFiles([], [one])).toBe(false);
  expect(sameFiles([one], [one, two])).toBe(false);
  expect(sameFiles([one], [two])).toBe(false);
  expect(sameFiles([one, two], [one])).toBe(false);
});
