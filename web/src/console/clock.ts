import type { Clock } from "./model/undo.ts";

/** The clock of this browser. */
export const browserClock: Clock = {
  now: () => Date.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
