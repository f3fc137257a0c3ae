// What is said aloud of the chat, with a view made by hand.

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { spoken } from "../ui/announce.svelte.ts";
import { speak } from "../ui/words.svelte.ts";
import type { PersonId } from "../core/shared/protocol.ts";
import { listen } from "./heard.ts";
import type { Signal } from "./model/session.ts";
import type { View } from "./view.svelte.ts";

beforeEach(async () => {
  await speak("patient", "en");
  vi.useFakeTimers();
  vi.stubGlobal("document", { title: "Chat" });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("who joined is told of by name, however late the name comes", () => {
  const [dana, lee] = ["p_dana" as PersonId, "p_lee" as PersonId];
  const people = new Map<PersonId, { name: string }>();
  let tell = (signal: Signal): void => void signal;
  const session = {
    state: { people },
    nameOf: (person: PersonId) => people.get(person),
    onSignal: (heard: typeof tell) => ((tell = heard), () => undefined),
    watch: () => () => undefined,
  };
  const stop = listen({ session, practiceName: "Riverside", language: "en" } as unknown as View, undefined);
  const before = spoken.polite.turn;

  people.set(lee, { name: "Dr. Jordan Lee" });
  people.set(dana, { name: "" }); // as it is at first
  for (const person of [dana, lee]) tell({ kind: "joined", person } as Signal);
  vi.advanceTimersByTime(60_000);
  expect(spoken.polite.turn, "said of whom the name is known").toBe(before + 1);
  expect(spoken.polite.text).toMatch(/^Dr\. Jordan Lee joined\./);

  people.set(dana, { name: "Nurse Dana Ortiz" });
  vi.advanceTimersByTime(60_000);
  expect(spoken.polite.turn, "said once of each").toBe(before + 2);
  expect(spoken.polite.text).toMatch(/^Nurse Dana Ortiz joined\./);
  stop();
});

test("the launcher is told no name without the practice in it", () => {
  let changed = (): void => undefined;
  const session = {
    state: { conversation: { unread: 2, typing: [] } },
    onSignal: () => () => undefined,
    watch: (heard: typeof changed) => ((changed = heard), () => undefined),
  };
  const view = { session, practiceName: "", language: "en" };
  const told: string[] = [];
  const stop = listen(view as unknown as View, { ready: () => undefined, close: () => undefined, unread: (_, label) => told.push(label) });
  changed();
  expect(told).toEqual([]);
  view.practiceName = "Riverside";
  changed();
  changed();
  expect(told).toEqual(["Chat with Riverside, 2 unread messages"]);
  stop();
});
