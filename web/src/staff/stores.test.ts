import { expect, test } from "vitest";

import { deleteStores, noteStore } from "./stores.ts";

function memory() {
  const values = new Map<string, string>();
  return { values, getItem: (key: string) => values.get(key) ?? null, setItem: (key: string, value: string) => void values.set(key, value), removeItem: (key: string) => void values.delete(key) };
}

test("T44: every store of staff goes, colleagues' and that of an older version too, and no patient's", async () => {
  const gone: string[] = [];
  const databases = ["sotto-staff-oak", "sotto-staff-oak-p_robin", "sotto-staff-oak-p_sam", "sotto-patient-oak", "sotto-unkept-oak", "other"].map((name) => ({ name }));
  expect(await deleteStores(memory(), async () => databases, async (name) => void gone.push(name))).toBe(0);
  expect(gone).toEqual(["sotto-staff-oak", "sotto-staff-oak-p_robin", "sotto-staff-oak-p_sam"]);
});

test("T44: a browser that does not tell which there are deletes those that it remembers, and one that stays is said and remembered", async () => {
  const list = memory();
  noteStore("oak", "p_robin", list);
  noteStore("oak", "p_sam", list);
  const tried: string[] = [];
  const remove = async (name: string): Promise<void> => {
    tried.push(name);
    if (tried.length === 3) throw new Error("open in another tab");
  };
  expect(await deleteStores(list, () => undefined, remove)).toBe(1);
  expect(tried).toEqual(["sotto-staff-oak", "sotto-staff-oak-p_robin", "sotto-staff-oak-p_robin-explorer", "sotto-staff-oak-p_sam", "sotto-staff-oak-p_sam-explorer"]);
  expect(await deleteStores(list, () => undefined, remove)).toBe(0); // tried again
  expect(list.values.size).toBe(0);
});
