import { expect, test } from "vitest";

import { Install } from "./shell.ts";

test("the browser's offer to install is kept for when the person asks, and is good for once", async () => {
  const from = new EventTarget();
  const heard: boolean[] = [];
  const install = new Install((possible) => heard.push(possible), from as unknown as Window);
  let prompts = 0;
  const offer = Object.assign(new Event("beforeinstallprompt", { cancelable: true }), { prompt: async () => prompts++ });
  from.dispatchEvent(offer);
  expect(offer.defaultPrevented).toBe(true);
  expect(heard).toEqual([true]);
  await install.ask();
  await install.ask();
  expect(prompts).toBe(1);
  from.dispatchEvent(new Event("appinstalled"));
  expect(heard).toEqual([true, false]);
});
