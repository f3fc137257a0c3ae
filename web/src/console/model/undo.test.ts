import { describe, expect, it } from "vitest";

import { UndoQueue, type Clock } from "./undo.ts";

function setUp() {
  let now = 0;
  let timers: { at: number; then: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    after(ms, then) {
      const timer = { at: now + ms, then };
      timers.push(timer);
      return () => (timers = timers.filter((t) => t !== timer));
    },
  };
  const done: string[] = [];
  const shown: string[][] = [];
  const queue = new UndoQueue<string>({
    clock,
    ms: 10_000,
    carryOut: (what) => done.push(what),
    changed: (waiting) => shown.push(waiting.map((w) => w.what)),
  });
  const pass = (ms: number) => {
    now += ms;
    for (const t of timers.filter((t) => t.at <= now)) t.then();
  };
  return { queue, done, shown, pass };
}

describe("UndoQueue", () => {
  it("carries an act out once its time is over", () => {
    const { queue, done, pass } = setUp();
    queue.add("close a");
    pass(9_999);
    expect(done).toEqual([]);
    pass(1);
    expect(done).toEqual(["close a"]);
    pass(60_000);
    expect(done).toEqual(["close a"]);
  });

  it("takes back the newest, and never carries that out", () => {
    const { queue, done, shown, pass } = setUp();
    queue.add("close a");
    queue.add("close b");
    expect(queue.undo()).toBe("close b");
    pass(10_000);
    expect(done).toEqual(["close a"]);
    expect(queue.undo()).toBeUndefined();
    expect(shown.at(-1)).toEqual([]);
  });

  it("carries out all at once when the page goes away", () => {
    const { queue, done, pass } = setUp();
    queue.add("close a");
    queue.add("close b");
    queue.flush();
    pass(10_000);
    expect(done).toEqual(["close a", "close b"]);
  });
});
