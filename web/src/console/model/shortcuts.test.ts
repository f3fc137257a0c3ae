import { describe, expect, it } from "vitest";

import { ariaKeys, bindings, commandIds, printed, Recogniser, type Key } from "./shortcuts.ts";

function key(name: string, over: Partial<Key> = {}): Key {
  return { key: name, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...over };
}

function recogniser(apple = false) {
  let now = 0;
  const r = new Recogniser({ apple, now: () => now });
  return { r, later: (ms: number) => (now += ms) };
}

describe("Recogniser", () => {
  it.each([
    ["j", key("j"), "next"],
    ["J with caps lock", key("J"), "next"],
    ["? made with shift", key("?", { shiftKey: true }), "help"],
    ["the Arabic question mark", key("؟", { shiftKey: true, code: "Slash" }), "help"],
    ["the place of J on an Arabic keyboard", key("ت", { code: "KeyJ" }), "next"],
    ["Ctrl K", key("k", { ctrlKey: true }), "palette"],
    ["Alt down", key("ArrowDown", { altKey: true }), "next-chat"],
    ["Shift F6", key("F6", { shiftKey: true }), "previous-pane"],
    ["[", key("["), "toggle-list"],
  ])("knows %s", (_, k, command) => {
    expect(recogniser().r.press(k, false, true)).toBe(command);
  });

  it("leaves single keys to a field, and chords not", () => {
    const { r } = recogniser();
    expect(r.press(key("j"), true, true)).toBeUndefined();
    expect(r.press(key("k", { ctrlKey: true }), true, true)).toBe("palette");
  });

  it("leaves single keys alone when they are turned off", () => {
    const { r } = recogniser();
    expect(r.press(key("t"), false, false)).toBeUndefined();
    expect(r.press(key("F6"), false, false)).toBe("next-pane");
  });

  it("leaves the browser's own chords alone", () => {
    const { r } = recogniser();
    expect(r.press(key("t", { ctrlKey: true }), false, true)).toBeUndefined();
    expect(r.press(key("k", { metaKey: true }), false, true)).toBeUndefined();
    expect(recogniser(true).r.press(key("k", { metaKey: true }), false, true)).toBe("palette");
  });

  it("knows a sequence, within its time", () => {
    const { r, later } = recogniser();
    expect(r.press(key("g"), false, true)).toBeUndefined();
    expect(r.press(key("t"), false, true)).toBe("go-team");
    r.press(key("g"), false, true);
    later(2000);
    expect(r.press(key("t"), false, true)).toBe("take");
  });

  it("keeps out of what an input method composes", () => {
    expect(recogniser().r.press(key("j", { isComposing: true }), false, true)).toBeUndefined();
  });
});

describe("the map", () => {
  it("has every command once and no key twice", () => {
    expect(bindings.map((b) => b.command).sort()).toEqual([...commandIds].sort());
    const keys = bindings.flatMap((b) => b.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("prints keys as they are on the keyboard", () => {
    expect(printed("mod+k", false)).toEqual([["Ctrl", "K"]]);
    expect(printed("mod+k", true)).toEqual([["⌘", "K"]]);
    expect(printed("g w", false)).toEqual([["G"], ["W"]]);
    expect(ariaKeys("palette", false)).toBe("Control+K");
  });
});
