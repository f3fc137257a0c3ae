import { expect, test } from "vitest";

import { Choice } from "./choice.svelte.ts";

const plain = { key: "x", shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
const shown = ["12", "11", "10"];
const chosen = (choice: Choice): readonly string[] => shown.filter((id) => choice.has(id));

test("X chooses the row in focus and lets it go, and no other", () => {
  const choice = new Choice();
  expect(choice.key(plain, "11", shown)).toBe(true);
  expect(chosen(choice)).toEqual(["11"]);
  expect(choice.key(plain, "11", shown)).toBe(true);
  expect(chosen(choice)).toEqual([]);
});

test("Shift+X chooses all that are shown, also where some are chosen, and then none", () => {
  const choice = new Choice();
  const all = { ...plain, key: "X", shiftKey: true };
  choice.toggle("10");
  expect(choice.key(all, undefined, shown)).toBe(true);
  expect(chosen(choice)).toEqual(shown);
  expect(choice.key(all, "12", shown)).toBe(true);
  expect(chosen(choice)).toEqual([]);
});

test("the browser's own keys, other letters, and X outside the rows choose nothing", () => {
  const choice = new Choice();
  for (const held of ["ctrlKey", "metaKey", "altKey"]) expect(choice.key({ ...plain, [held]: true }, "12", shown)).toBe(false);
  expect(choice.key({ ...plain, key: "c" }, "12", shown)).toBe(false);
  expect(choice.key(plain, undefined, shown)).toBe(false);
  expect(chosen(choice)).toEqual([]);
});
