import { describe, expect, it } from "vitest";

import { defaults, readSettings, writeSettings } from "./settings.ts";

function keeper(text: string | null = null) {
  let kept = text;
  return { getItem: () => kept, setItem: (_: string, value: string) => void (kept = value) };
}

describe("settings", () => {
  it("come back as they were kept", () => {
    const k = keeper();
    const settings = { ...defaults, sound: false, language: "es" } as const;
    writeSettings(k, settings);
    expect(readSettings(k)).toEqual(settings);
  });

  it.each([["not JSON"], ["[]"], ["null"], ['{"practice":7,"sound":"yes"}']])("survive %s", (text) => {
    expect(readSettings(keeper(text))).toEqual(defaults);
  });

  it("survive a browser that forbids to keep anything", () => {
    const k = {
      getItem: () => {
        throw new Error("blocked");
      },
      setItem: () => {
        throw new Error("blocked");
      },
    };
    expect(readSettings(k)).toEqual(defaults);
    expect(() => writeSettings(k, defaults)).not.toThrow();
    expect(readSettings(undefined)).toEqual(defaults);
  });
});
