import { expect, test } from "vitest";

import { mostFiles, Staging } from "./staging.svelte.ts";

const pdf = (name: string): File => new File(["%PDF-1.7\n"], name);

test("of too many files, none goes missing without a word", async () => {
  const staging = new Staging(() => 1000);
  await staging.add(Array.from({ length: mostFiles + 2 }, (_, i) => pdf(`${i}.pdf`)));
  expect(staging.ready).toHaveLength(mostFiles);
  const refused = staging.files.filter((file) => file.state === "refused");
  expect(refused.map(({ name, problem }) => [name, problem])).toEqual([["10.pdf", "too-many"], ["11.pdf", "too-many"]]);

  // What was refused takes no place.
  const [first] = staging.ready;
  if (first) staging.remove(first.id);
  await staging.add([pdf("one more.pdf")]);
  expect(staging.ready.map(({ name }) => name)).toContain("one more.pdf");
});
