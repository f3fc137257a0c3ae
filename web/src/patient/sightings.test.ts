import { beforeAll, expect, test } from "vitest";

import type { Sighting, Sightings } from "../core/shared/protocol.ts";
import { learn, speak } from "../ui/words.svelte.ts";
import { seen } from "./fetched.ts";
import type { Session } from "./model/session.ts";
import { byDay, dayWords, sightings, wayWords, whenWords, who } from "./sightings.ts";

beforeAll(async () => {
  await speak("patient", "en");
  await learn(seen.words);
});

const at = (day: number, hour: number): number => new Date(2027, 2, day, hour, 5).getTime();
const saw = (change: Partial<Sighting> = {}): Sighting => ({ at: at(2, 10), since: at(2, 10), times: 1, way: "read", role: "nurse", name: "Dana Ortiz", own: false, ...change });

test("days are those of this device, newest first, and no line is lost", () => {
  const all = [saw(), saw({ at: at(2, 0) }), saw({ at: at(1, 23) }), saw({ at: at(-300, 9) })];
  expect(byDay(all).map(({ seen }) => seen.length)).toEqual([2, 1, 1]);
  expect(byDay(all).flatMap(({ seen }) => seen)).toEqual(all);
  expect(byDay([])).toEqual([]);
});

test("the year is always said", () => {
  for (const [day, words] of [[2, "Today · March 2, 2027"], [1, "Yesterday · March 1, 2027"], [-27, "February 1, 2027"]] as const) expect(dayWords("en", at(day, 9), at(2, 10))).toBe(words);
});

test("what happened several times is said from the first to the last", () => {
  const words = (change: Partial<Sighting>): string => whenWords("en", saw(change)).replace(/\s/g, " ");
  expect(words({})).toBe("10:05 AM");
  expect(words({ times: 3, since: at(2, 9) })).toBe("9:05 – 10:05 AM");
  expect(words({ times: 2, since: at(1, 23) })).toMatch(/3\/1\/2027.*3\/2\/2027/); // a day of UTC may be two here
});

test.each([
  [saw(), "Dana Ortiz", "Nurse"],
  [saw({ role: "shaman" }), "Dana Ortiz", "Our staff"],
  [saw({ role: "", name: "" }), "Our staff", ""],
  [saw({ role: "compliance", name: "" }), "Checks that we keep the rules", ""],
  [saw({ role: "keeper", name: "" }), "Archive of Oak", ""],
  [saw({ role: "service", name: "" }), "Our computer system", ""],
  [saw({ role: "operator", name: "" }), "A person who runs our computers", ""],
  [saw({ role: "patient", name: "" }), "A person who is not on our staff", ""],
  [saw({ role: "patient", name: "", own: true }), "You", ""],
])("%j is told by name and role", (one, name, role) => {
  expect(who(one, "Oak")).toMatchObject({ name, role });
});

test("a way that is not known yet is told all the same", () => {
  expect(wayWords("tried")).toBe("Tried to look, and was stopped");
  expect([wayWords("printed"), wayWords("toString")]).toEqual(["Did something with your chat", "Did something with your chat"]);
});

test("pages that say nothing are gone past, to the end", async () => {
  const pages: Record<string, Sightings> = { "": { sightings: [], next: "1" }, "1": { sightings: [], next: "2" }, "2": { sightings: [saw()], next: "3" }, "3": { sightings: [] } };
  const session = { inside: { core: { sightings: async (cursor = "") => pages[cursor] } } } as unknown as Session;
  expect(await sightings(session)).toBe(pages["2"]);
  expect(await sightings(session, "3")).toBe(pages["3"]);
});
