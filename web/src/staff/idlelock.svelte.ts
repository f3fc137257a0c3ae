// Locks the screen of a signed-in staff person who touches nothing, in all tabs
// of the console and of the administrators' page, and tells the server that
// somebody is here. The server locks a session that it hears nothing of.

import { watchIdle, type IdleWatch } from "../ui/idle.ts";
import type { Account, StaffSession } from "./account.ts";
import { change, settings } from "./preferences.svelte.ts";
import { Refused } from "./refused.ts";

// What is told last is told after the last touch.
const tellMs = 30_000;
const usualMinutes = 10;

export class IdleLock {
  /** Seconds until it locks, while the person is asked. */
  left = $state<number>();

  private watch: IdleWatch | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private touched = false;
  private readonly account: Pick<Account, "active" | "lock">;
  private readonly heard: (session: StaffSession) => void;

  /** heard is told what the server answers to a sign of life. */
  constructor(account: Pick<Account, "active" | "lock">, heard: (session: StaffSession) => void = () => undefined) {
    this.account = account;
    this.heard = heard;
  }

  /** Starts, or starts anew, for who is signed in. */
  start(minutes: number | undefined): void {
    this.stop();
    this.watch = watchIdle({ limitMs: (minutes || usualMinutes) * 60_000 }, "sotto/idle/staff", (state, left) => {
      this.left = state === "warned" ? Math.max(0, Math.ceil(left / 1000)) : undefined;
      if (state === "locked") this.hide();
      else if (settings().locked && state === "active") this.follow();
    }, () => this.touch());
    if (settings().locked) this.watch.lock();
    this.timer = setInterval(() => this.tell(), tellMs);
  }

  stop(): void {
    this.watch?.stop();
    clearInterval(this.timer);
    this.left = undefined;
  }

  /** Somebody is at the page: what keeps the screen open is what the server is told of. */
  private touch(): void {
    this.touched = true;
  }

  /** Somebody says that they are there. The server hears it at once: it may be about to lock too. */
  stay(): void {
    this.watch?.stay();
    this.touch();
    this.tell();
  }

  lock(): void {
    this.hide();
    this.watch?.lock();
  }

  /** Opens the screen again once the server has opened the session. */
  open(): void {
    change({ locked: false });
    this.watch?.unlock();
  }

  /** Another tab was unlocked. Who is there now the server says: somebody else may have signed in. */
  private follow(): void {
    const found = this.account.active();
    found.then(this.heard).then(() => change({ locked: false }), () => undefined); // else it opens for who may open it
  }

  private hide(): void {
    if (settings().locked) return;
    change({ locked: true }); // drafts are kept as they are typed
    this.account.lock().catch(() => undefined); // the server does it by itself, a little later
  }

  private tell(): void {
    if (!this.touched || settings().locked) return;
    this.touched = false;
    this.account.active().then(this.heard, (error: unknown) => {
      if (error instanceof Refused && error.refusal === "locked") this.lock();
    });
  }
}
