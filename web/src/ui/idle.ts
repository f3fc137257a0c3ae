// Locks a screen that nobody has touched for a while. Pure: who uses it says
// what time it is and when something was touched, and tests need no clock.

export interface IdleLimits {
  /** Without a touch for so long, the screen locks. */
  readonly limitMs: number;
  /** How long before that the person is asked; never less than 20 s. */
  readonly warnMs?: number;
}

export type IdleState = "active" | "warned" | "locked";

const usualWarnMs = 120_000;
const leastWarnMs = 20_000;

export class Idle {
  private touched: number;
  private isLocked = false;
  private readonly limitMs: number;
  private readonly warnMs: number;

  constructor({ limitMs, warnMs = usualWarnMs }: IdleLimits, now: number) {
    this.warnMs = Math.max(leastWarnMs, Math.min(warnMs, limitMs / 2)); // a short limit is no warning all the time
    this.limitMs = Math.max(limitMs, this.warnMs);
    this.touched = now;
  }

  /** Somebody is there. It does not open what is locked. */
  touch(now: number): void {
    if (!this.isLocked) this.touched = Math.max(this.touched, now);
  }

  lock(): void {
    this.isLocked = true;
  }

  unlock(now: number): void {
    this.isLocked = false;
    this.touched = now;
  }

  /** A clock that was asleep with the machine locks at once when it wakes. */
  state(now: number): IdleState {
    if (this.left(now) <= 0) this.isLocked = true;
    if (this.isLocked) return "locked";
    return this.left(now) <= this.warnMs ? "warned" : "active";
  }

  /** Milliseconds until it locks. */
  left(now: number): number {
    return this.touched + this.limitMs - now;
  }
}

/** At so many seconds left the time is said aloud, and at no others. */
export const saidAt: readonly number[] = [120, 60, 20];

export interface IdleWatch {
  /** Somebody says that they are there. */
  stay(): void;
  lock(): void;
  unlock(): void;
  stop(): void;
}

const touches = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
const tellOthersMs = 5000;

/**
 * Watches the page, and the other tabs of the same app by the channel's name:
 * who works in one tab is not away in another, and all lock together. While the
 * person is asked, a stray move is no answer; stay() is. onTouch hears of each
 * touch of this page that counts.
 */
export function watchIdle(limits: IdleLimits, channelName: string, changed: (state: IdleState, leftMs: number) => void, onTouch: () => void = () => undefined): IdleWatch {
  const idle = new Idle(limits, Date.now());
  const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(channelName) : undefined;
  let last: IdleState = "active";
  let told = 0;

  function look(): void {
    const now = Date.now();
    const state = idle.state(now);
    if (state === last && state !== "warned") return;
    if (state === "locked" && last !== "locked") channel?.postMessage("locked");
    last = state;
    changed(state, idle.left(now));
  }

  function touched(): void {
    const now = Date.now();
    if (idle.state(now) !== "active") return look();
    idle.touch(now);
    onTouch();
    if (now - told < tellOthersMs) return;
    told = now;
    channel?.postMessage("touched");
  }

  function heard(event: MessageEvent<unknown>): void {
    if (event.data === "touched") idle.touch(Date.now());
    else if (event.data === "locked") idle.lock();
    else if (event.data === "unlocked") idle.unlock(Date.now());
    look();
  }

  const options = { capture: true, passive: true } as const;
  for (const touch of touches) addEventListener(touch, touched, options);
  document.addEventListener("visibilitychange", look);
  channel?.addEventListener("message", heard);
  const timer = setInterval(look, 1000);
  return {
    stay: () => {
      idle.touch(Date.now());
      channel?.postMessage("touched");
      look();
    },
    lock: () => {
      idle.lock();
      look();
    },
    unlock: () => {
      idle.unlock(Date.now());
      channel?.postMessage("unlocked");
      look();
    },
    stop: () => {
      clearInterval(timer);
      for (const touch of touches) removeEventListener(touch, touched, options);
      document.removeEventListener("visibilitychange", look);
      channel?.close();
    },
  };
}
