import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { StaffSession } from "./account.ts";
import { IdleLock } from "./idlelock.svelte.ts";
import { change, settings } from "./preferences.svelte.ts";
import { Refused } from "./refused.ts";

const minute = 60_000;
const session = { new_sign_ins: 1 } as StaffSession;
let lock: IdleLock;
let page: EventTarget;

/** A screen of ten minutes, and how often its server was told that somebody is there. */
function screen(answer: () => Promise<StaffSession> = () => Promise.resolve(session)) {
  const heard: StaffSession[] = [];
  const told: number[] = [];
  const account = {
    active: () => {
      told.push(Date.now());
      return answer();
    },
    lock: () => Promise.resolve(),
  };
  lock = new IdleLock(account, (found) => heard.push(found));
  lock.start(10);
  return { told, heard };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  page = new EventTarget();
  vi.stubGlobal("document", new EventTarget());
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  change({ locked: false });
});

afterEach(() => {
  lock.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("who stays in the last second has told the server at once, not half a minute later", async () => {
  const { told, heard } = screen();
  await vi.advanceTimersByTimeAsync(10 * minute - 1000);
  expect(told).toEqual([]); // nobody touched anything
  expect(lock.left).toBe(1);
  lock.stay();
  expect(told).toEqual([10 * minute - 1000]);
  expect(lock.left).toBeUndefined();
  await vi.advanceTimersByTimeAsync(minute);
  expect(settings().locked).toBe(false);
  expect(heard).toEqual([session]);
});

test("who does not answer is locked out", async () => {
  const { told } = screen();
  await vi.advanceTimersByTimeAsync(10 * minute);
  expect(settings().locked).toBe(true);
  lock.stay(); // too late: it opens for who may open it
  expect(settings().locked).toBe(true);
  expect(told).toEqual([]);
});

test.each([
  ["says who is there", () => Promise.resolve(session), false, [session]],
  ["has locked too", () => Promise.reject(new Refused("locked")), true, []],
] as const)("T43: a screen that another tab has unlocked opens once the server %s", async (_, answer, locked, told) => {
  const others: ((event: { data: string }) => void)[] = [];
  vi.stubGlobal("BroadcastChannel", class {
    addEventListener(_: string, hear: (event: { data: string }) => void): void {
      others.push(hear);
    }
    postMessage(): void {}
    close(): void {}
  });
  const { heard } = screen(answer);
  lock.lock();
  for (const hear of others) hear({ data: "unlocked" });
  expect(settings().locked).toBe(true);
  await vi.advanceTimersByTimeAsync(1);
  expect(settings().locked).toBe(locked);
  expect(heard).toEqual(told);
});

test("a server that has locked already locks the screen", async () => {
  screen(() => Promise.reject(new Refused("locked")));
  await vi.advanceTimersByTimeAsync(9 * minute);
  lock.stay();
  await vi.advanceTimersByTimeAsync(1);
  expect(settings().locked).toBe(true);
});

test.each(["pointermove", "pointerdown", "keydown", "wheel", "touchstart"])("what keeps the screen open is told to the server: %s", async (touch) => {
  const { told } = screen();
  for (let minutes = 0; minutes < 20; minutes++) {
    page.dispatchEvent(new Event(touch));
    await vi.advanceTimersByTimeAsync(minute);
  }
  expect(lock.left).toBeUndefined();
  expect(told).toHaveLength(20);
});
