import { expect, test } from "vitest";

import { Attempt } from "./attempt.svelte.ts";
import { Refused } from "./refused.ts";

test("what was made already is looked for, and nothing else is", async () => {
  let looks = 0;
  const attempt = new Attempt({}, () => Promise.resolve(looks++));
  const fails = (refused: Refused) => attempt.make(() => Promise.reject(refused));
  await fails(new Refused("offline"));
  await fails(new Refused("conflict"));
  await attempt.make(() => Promise.resolve());
  expect(looks).toBe(0);
  await fails(new Refused("made-already"));
  expect(looks).toBe(1);
  expect(attempt.problem).toBeDefined();
  expect(attempt.busy).toBe(false);
});
