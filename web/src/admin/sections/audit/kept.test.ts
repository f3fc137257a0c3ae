import { expect, test } from "vitest";

import { Kept, mostViews, usual } from "./kept.svelte.ts";

const [robin, sam] = ["p_robin", "p_sam"];

function shelves() {
  const values = new Map<string, Uint8Array>();
  const open = async (practice: string, person: string) => ({
    get: async (key: string) => values.get(`${practice}/${person}/${key}`),
    apply: async (puts: readonly (readonly [string, Uint8Array])[]) => puts.forEach(([key, value]) => values.set(`${practice}/${person}/${key}`, value)),
  });
  const kept = async (practice: string, person: string): Promise<Kept> => {
    await new Promise((resolve) => setTimeout(resolve)); // what was written before
    const made = new Kept(practice, person, open);
    await made.ready;
    return made;
  };
  return { values, kept };
}

test("views and columns are a person's, in this browser, and the newest comes first", async () => {
  const { kept } = shelves();
  const mine = await kept("oak", robin);
  expect([mine.views, mine.columns, mine.lasts]).toEqual([[], usual, true]);
  await mine.save("Refused", new URLSearchParams("outcome=refused"));
  await mine.save("Last week", new URLSearchParams("from=2026-11-23"));
  await mine.save("Refused", new URLSearchParams("outcome=refused&category=keys"));
  mine.show("where", true);
  mine.show("about", false);
  const again = await kept("oak", robin);
  expect(again.views).toEqual([{ name: "Refused", query: "outcome=refused&category=keys" }, { name: "Last week", query: "from=2026-11-23" }]);
  expect(again.columns).toEqual(["who", "what", "proof", "where"]);
  again.drop("Refused");
  expect((await kept("oak", robin)).views.map(({ name }) => name)).toEqual(["Last week"]);
  expect((await kept("oak", sam)).views).toEqual([]);
  expect((await kept("elm", robin)).views).toEqual([]);
  for (let n = 0; n <= mostViews; n++) await again.save(`view ${n}`, new URLSearchParams());
  expect([again.views.length, again.views[0]?.name]).toEqual([mostViews, `view ${mostViews}`]);
});

test("a browser that keeps nothing, or something else, takes nothing away but that", async () => {
  const none = new Kept("oak", robin, () => Promise.reject(new Error("blocked")));
  await none.ready;
  await none.save("Refused", new URLSearchParams("outcome=refused"));
  expect([none.views.length, none.lasts]).toEqual([1, false]);
  const { values, kept } = shelves();
  values.set("oak/p_robin/explorer", new TextEncoder().encode(JSON.stringify({ views: [{ name: 1 }, "x"], columns: [2, "who"] })));
  const read = await kept("oak", robin);
  expect([read.views, read.columns]).toEqual([[], ["who"]]);
});
