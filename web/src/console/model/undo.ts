// An act that can be taken back for a while: it is carried out when its time is
// over, or at once when the page goes away.

export interface Waiting<T> {
  readonly id: number;
  readonly what: T;
  readonly until: number;
}

export interface Clock {
  now(): number;
  after(ms: number, then: () => void): () => void;
}

export class UndoQueue<T> {
  private readonly clock: Clock;
  private readonly ms: number;
  private readonly carryOut: (what: T) => void;
  private readonly changed: (waiting: readonly Waiting<T>[]) => void;
  private readonly entries = new Map<number, { entry: Waiting<T>; stop: () => void }>();
  private nextId = 1;

  constructor(options: {
    clock: Clock;
    ms: number;
    carryOut: (what: T) => void;
    changed: (waiting: readonly Waiting<T>[]) => void;
  }) {
    this.clock = options.clock;
    this.ms = options.ms;
    this.carryOut = options.carryOut;
    this.changed = options.changed;
  }

  add(what: T): number {
    const id = this.nextId++;
    const entry = { id, what, until: this.clock.now() + this.ms };
    const stop = this.clock.after(this.ms, () => this.finish(id));
    this.entries.set(id, { entry, stop });
    this.report();
    return id;
  }

  /** Takes back the newest act, or the newest of some kind. Undefined if it is too late. */
  undo(which: (what: T) => boolean = () => true): T | undefined {
    const found = [...this.entries.values()].reverse().find(({ entry }) => which(entry.what));
    if (!found) return undefined;
    found.stop();
    this.entries.delete(found.entry.id);
    this.report();
    return found.entry.what;
  }

  /** Carries out everything now. */
  flush(): void {
    for (const id of [...this.entries.keys()]) this.finish(id);
  }

  private finish(id: number): void {
    const found = this.entries.get(id);
    if (!found) return;
    found.stop();
    this.entries.delete(id);
    this.report();
    this.carryOut(found.entry.what);
  }

  private report(): void {
    this.changed([...this.entries.values()].map((e) => e.entry));
  }
}
