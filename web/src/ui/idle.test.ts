import { describe, expect, it } from "vitest";

import { Idle } from "./idle.ts";

const minute = 60_000;

describe("a screen that nobody touches", () => {
  it("asks two minutes before it locks", () => {
    const idle = new Idle({ limitMs: 10 * minute }, 0);
    expect(idle.state(8 * minute - 1)).toBe("active");
    expect(idle.state(8 * minute)).toBe("warned");
    expect(idle.left(9 * minute)).toBe(minute);
    expect(idle.state(10 * minute)).toBe("locked");
  });

  it("goes on after a touch", () => {
    const idle = new Idle({ limitMs: 10 * minute }, 0);
    idle.touch(9 * minute);
    expect(idle.state(12 * minute)).toBe("active");
    expect(idle.state(19 * minute)).toBe("locked");
  });

  it("is not opened by a touch, but by who may open it", () => {
    const idle = new Idle({ limitMs: 10 * minute }, 0);
    expect(idle.state(11 * minute)).toBe("locked");
    idle.touch(11 * minute);
    expect(idle.state(11 * minute)).toBe("locked");
    idle.unlock(12 * minute);
    expect(idle.state(12 * minute)).toBe("active");
  });

  it("locks at once when the machine wakes", () => {
    const idle = new Idle({ limitMs: 10 * minute }, 0);
    expect(idle.state(9 * 60 * minute)).toBe("locked");
  });

  it("asks for half of a short limit, and not all the time", () => {
    const idle = new Idle({ limitMs: 2 * minute }, 0);
    expect(idle.state(minute - 1)).toBe("active");
    expect(idle.state(minute)).toBe("warned");
  });

  it("leaves at least 20 s to answer, whatever the limit", () => {
    const idle = new Idle({ limitMs: 5_000, warnMs: 0 }, 0);
    expect(idle.state(0)).toBe("warned");
    expect(idle.left(0)).toBe(20_000);
  });

  it("locks on demand", () => {
    const idle = new Idle({ limitMs: 10 * minute }, 0);
    idle.lock();
    expect(idle.state(1)).toBe("locked");
  });
});
