import { beforeEach, expect, test, vi } from "vitest";

import type { CoreEvent, Line, MessageId } from "../shared/protocol.ts";
import { Downloads } from "./downloads.ts";

const id = "m_1" as MessageId;
const line = {
  type: "message",
  message: { id, mine: false, body: { kind: "file", file: { name: "a", mediaType: "image/png", size: 9 } } },
} as unknown as Line;

let events: CoreEvent[];
let downloads: Downloads;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  events = [];
  downloads = new Downloads((event) => events.push(event));
});

const shown = (): (number | undefined)[] =>
  events.map((e) => (e.kind === "line" && e.line.type === "message" ? e.line.message.progress : undefined));

test("shows how far a file has come, now and then, and that it is done", async () => {
  downloads.see(line);
  await downloads.follow(id, async (progress) => {
    for (let i = 1; i <= 10; i++) {
      vi.advanceTimersByTime(50);
      progress(i / 10);
    }
  });
  expect(shown()).toEqual([0.1, 0.3, 0.5, 0.7, 0.9, undefined]);
});

test("a download that fails is no longer on its way", async () => {
  downloads.see(line);
  const failing = downloads.follow(id, async (progress) => {
    progress(0.5);
    throw new Error("cut");
  });
  await expect(failing).rejects.toThrow();
  expect(shown()).toEqual([0.5, undefined]);
});

test("nothing is shown of a message that the page has not seen", async () => {
  await downloads.follow(id, async (progress) => progress(0.5));
  expect(events).toEqual([]);
});

test("a download of which nothing comes is shown, so that it can be stopped", async () => {
  downloads.see(line);
  await downloads.follow(id, async () => {
    vi.advanceTimersByTime(499);
    expect(shown()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(shown()).toEqual([0]);
  });
  expect(shown()).toEqual([0, undefined]);
});
