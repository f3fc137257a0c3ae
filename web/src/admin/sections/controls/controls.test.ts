import { describe, expect, test } from "vitest";

import type * as api from "../../../api/schema.ts";
import { speakIn, type Language } from "../../../ui/words.svelte.ts";
import { daily, rows, stateOf } from "./controls.ts";
import { Spoken } from "./spoken.svelte.ts";

const counts = { met: 1, needs_decision: 0, falls_short: 0, not_applicable: 0 };
const run = (id: string, at: string): api.ControlRun => ({ id, at: Date.parse(at), practice: "t", version: "v1", counts, results: [] });
const control = (id: string) => ({ id, title: "", cite: "", family: "technical", kind: "required", asks: "", evidence: [], tests: [], threats: [], owner: "", review_months: 12 }) as api.Control;

describe("controls", () => {
  test("what needs somebody comes first, and what is not known is the worst", () => {
    const found = { ...run("r", "2026-11-29"), results: [{ id: "a", state: "met", says: "", findings: [] }, { id: "b", state: "needs-decision", says: "", findings: [] }, { id: "c", state: "splendid", says: "", findings: [] }] };
    expect(rows({ controls: ["a", "b", "c", "d"].map(control), run: found, history: [] }).map((row) => row.control.id)).toEqual(["c", "d", "b", "a"]);
    expect(stateOf("splendid")).toBe("falls-short");
    expect(stateOf(undefined)).toBe("falls-short");
  });

  test("of each day the newest look counts, the oldest day first", () => {
    const history = [run("4", "2026-11-29T18:00Z"), run("3", "2026-11-29T08:00Z"), run("2", "2026-11-28T08:00Z"), run("1", "2026-11-01T08:00Z")];
    expect(daily(history, 90).map(({ id }) => id)).toEqual(["1", "2", "4"]);
    expect(daily(history, 2).map(({ id }) => id)).toEqual(["2", "4"]);
  });
});

describe("what the server says of controls", () => {
  const proxy = { evidence: "tls", state: "met", says: "A proxy.", words: [{ code: "tls.proxy", args: ["https://a.example"] }], fix: "Check.", fix_words: { code: "fix.check-proxy" } };
  const spokenIn = async (language: Language): Promise<Spoken> => {
    await speakIn(language);
    const spoken = new Spoken();
    await spoken.speak(language);
    return spoken;
  };
  const row = (missing: string | undefined, says: string, findings: api.ControlFinding[]) =>
    ({ control: { ...control("a"), ...(missing && { missing }) }, state: "met", result: { id: "a", state: "met", says, findings } }) as const;

  test("is said in the language of the page", async () => {
    const spoken = await spokenIn("ar");
    expect(spoken.finding(proxy)).toEqual({ text: expect.stringMatching(/^يستعمل وكيلٌ .*\u2068https:\/\/a\.example\u2069/) as string });
    expect(spoken.fix(proxy)?.lang).toBeUndefined();
    expect(spoken.text("Access control")).toEqual({ text: "التحكم في الوصول" });
    const role = { evidence: "roles", state: "met", says: "9 people.", words: [{ code: "roles.each", args: ["9000"] }] };
    expect(spoken.result(row(undefined, "A proxy. 9 people.", [proxy, role]))?.text).toContain(`${spoken.finding(proxy).text} `);
    expect(spoken.finding(role).text).toContain(new Intl.NumberFormat("ar").format(9000));
    expect(spoken.result(row("There is no training register.", "There is no training register.", [proxy]))).toEqual({ text: "لا يوجد سجل للتدريب." });
  });

  test("is left in English, marked as such, where there are no words", async () => {
    const spoken = await spokenIn("es");
    const newer = { ...proxy, words: [...proxy.words, { code: "tls.newer" }] };
    const earlier = { evidence: "tls", state: "met", says: "Spoken before.", fix: "Do it." };
    expect(spoken.finding(newer)).toEqual({ text: "A proxy.", lang: "en" });
    expect(spoken.finding(earlier)).toEqual({ text: "Spoken before.", lang: "en" });
    expect(spoken.fix(earlier)).toEqual({ text: "Do it.", lang: "en" });
    expect(spoken.result(row(undefined, "A proxy. Spoken before.", [proxy, earlier]))).toEqual({ text: "A proxy. Spoken before.", lang: "en" });
    expect((await spokenIn("en")).finding(proxy)).toEqual({ text: "A proxy.", lang: "en" });
  });
});
