// What a screen reader is told of new messages: one by one when they are few,
// as a number when they come in a burst.

import type { Clock } from "./undo.ts";

export interface Arrival {
  readonly who: string;
  readonly text: string;
}

export interface Words {
  one(arrival: Arrival): string;
  many(count: number): string;
}

/** How long messages are gathered before they are told. */
const gatherMs = 1000;

export class Announcer {
  private readonly clock: Clock;
  private readonly words: Words;
  private readonly say: (text: string) => void;
  private gathered: Arrival[] = [];
  private typingAt = Number.NEGATIVE_INFINITY;

  constructor(options: { clock: Clock; words: Words; say: (text: string) => void }) {
    this.clock = options.clock;
    this.words = options.words;
    this.say = options.say;
  }

  arrived(arrival: Arrival): void {
    this.gathered.push(arrival);
    if (this.gathered.length > 1) return;
    this.clock.after(gatherMs, () => {
      const [first, ...rest] = this.gathered;
      this.gathered = [];
      if (first) this.say(rest.length === 0 ? this.words.one(first) : this.words.many(rest.length + 1));
    });
  }

  /** Typing is told at most once in 30 s: it is a hint, not news. */
  typing(text: string): void {
    const now = this.clock.now();
    if (now - this.typingAt < 30_000) return;
    this.typingAt = now;
    this.say(text);
  }
}
