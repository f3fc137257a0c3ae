import { describe, expect, it } from "vitest";

import { Announcer } from "./announce.ts";

function setUp() {
  let now = 0;
  const timers: { at: number; then: () => void }[] = [];
  const said: string[] = [];
  const announcer = new Announcer({
    clock: {
      now: () => now,
      after(ms, then) {
        timers.push({ at: now + ms, then });
        return () => undefined;
      },
    },
    words: { one: (a) => `${a.who} says: ${a.text}`, many: (n) => `${n} new messages` },
    say: (text) => said.push(text),
  });
  const pass = (ms: number) => {
    now += ms;
    for (const t of timers.splice(0).sort((a, b) => a.at - b.at)) {
      if (t.at <= now) t.then();
      else timers.push(t);
    }
  };
  return { announcer, said, pass };
}

describe("Announcer", () => {
  it("tells one message in full and a burst as a number", () => {
    const { announcer, said, pass } = setUp();
    announcer.arrived({ who: "Ana", text: "Hello" });
    pass(1000);
    announcer.arrived({ who: "Ana", text: "It hurts" });
    announcer.arrived({ who: "Ana", text: "since Monday" });
    announcer.arrived({ who: "Ana", text: "a lot" });
    pass(1000);
    expect(said).toEqual(["Ana says: Hello", "3 new messages"]);
  });

  it("tells typing at most once in 30 seconds", () => {
    const { announcer, said, pass } = setUp();
    announcer.typing("Ana is typing");
    pass(29_000);
    announcer.typing("Ana is typing");
    expect(said).toHaveLength(1);
    pass(1_000);
    announcer.typing("Ana is typing");
    expect(said).toHaveLength(2);
  });
});
