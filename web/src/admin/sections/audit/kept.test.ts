import { expect, test } from "vitest";

import { Kept, mostViews, usual } from "./kept.svelte.ts";

function memory(): { values: Map<string, string>; getItem: (key: string) => string | null; setItem: (key: string, value: string) => void } {
  const values = new Map<string, string>();
  return { values, getItem: (key) => values.get(key) ?? null, setItem: (key, value) => void values.set(key, value) };
}

test("views and columns are a person's, in this browser, and the newest comes first", () => {
  const store = memory();
  const mine = new Kept("oak", "p_robin", store);
  expect([mine.views, mine.columns, mine.lasts]).toEqual([[], usual, true]);
  mine.save("Refused", new URLSearchParams("outcome=refused"));
  mine.save("Last week", new URLSearchParams("from=2026-11-23"));
  mine.save("Refused", new URLSearchParams("outcome=refused&category=keys"));
  mine.show("where", true);
  mine.show("about", false);
  const again = new Kept("oak", "p_robin", store);
  expect(again.views).toEqual([{ name: "Refused", query: "outcome=refused&category=keys" }, { name: "Last week", query: "from=2026-11-23" }]);
  expect(again.columns).toEqual(["who", "what", "proof", "where"]);
  again.drop("Refused");
  expect(new Kept("oak", "p_robin", store).views.map(({ name }) => name)).toEqual(["Last week"]);
  expect(new Kept("oak", "p_sam", store).views).toEqual([]);
  expect(new Kept("elm", "p_robin", store).views).toEqual([]);
  for (let n = 0; n <= mostViews; n++) again.save(`view ${n}`, new URLSearchParams());
  expect([again.views.length, again.views[0]?.name]).toEqual([mostViews, `view ${mostViews}`]);
});

test("a browser that keeps nothing, or something else, takes nothing away but that", () => {
  const none = new Kept("oak", "p_robin", { getItem: () => "[{", setItem: () => { throw new Error("full"); } });
  none.save("Refused", new URLSearchParams("outcome=refused"));
  expect([none.views.length, none.lasts]).toEqual([1, false]);
  const odd = memory();
  odd.values.set("sotto.explorer.oak.p_robin", JSON.stringify({ views: [{ name: 1 }, "x"], columns: [2, "who"] }));
  const read = new Kept("oak", "p_robin", odd);
  expect([read.views, read.columns]).toEqual([[], ["who"]]);
});
