import { beforeAll, describe, expect, test } from "vitest";

import type { Core } from "../core/shared/protocol.ts";
import { changed, devicesOf, everyDevice, logged, type Answers } from "../../test/devices.ts";
import { learn, speak } from "../ui/words.svelte.ts";
import { found, foundWords, shown, whatWrites } from "./devices.ts";
import { devices } from "./fetched.ts";
import { logOf } from "./log.ts";
import { passingMemo, type Memo } from "./model/memo.ts";
import type { Session } from "./model/session.ts";

beforeAll(async () => {
  await speak("patient", "en");
  await learn(devices.words);
});

interface Visit {
  readonly session: Session;
  readonly memo: Memo;
  readonly asked: string[];
  saw: number;
}

function visit(answers: Answers, keeping = "saved"): Visit {
  const memo = passingMemo();
  const asked: string[] = [];
  const core = {
    devices: async (ask, query) => {
      asked.push(`${ask}?${query ?? ""}`);
      return answers(ask, query);
    },
  } as Partial<Core>;
  const it: Visit = { memo, asked, saw: 0, session: undefined as unknown as Session };
  const session = { inside: { core, world: { memo, slug: "oak" }, sawDevices: () => it.saw++ }, state: { keeping } } as unknown as Session;
  return Object.assign(it, { session });
}

/** All rows of a sheet, each by its device and by what came of its proof. */
async function rows({ session }: Visit): Promise<readonly string[]> {
  const log = logOf(session);
  const all = await whatWrites(session);
  for (const { event } of all) if (event) await log.check(event);
  return all.map((one) => `${one.device} ${found(log, one)}${one.current ? " here" : ""}${one.revoked ? " out" : ""}`);
}

describe("the devices that write as a patient", () => {
  test("T03: each is proved to be in the signed log", async () => {
    const here = visit(devicesOf());
    expect(await rows(here)).toEqual(["d_tablet good", "d_phone good here", "d_old old out"]);
    expect(JSON.parse(here.memo.log ?? "")).toMatchObject({ size: logged.length });
  });

  test("T03: one that the log does not know, and one of which it says something else, are told apart", async () => {
    expect(await rows(visit(devicesOf({ devices: everyDevice })))).toContain("d_ghost bad");
    const [first = "", ...rest] = await rows(visit(devicesOf({ events: [changed, ...logged.filter((event) => event.subject === "p_me" && event.kind === "certificate.issued" && event.object !== "d_tablet")] })));
    expect([first, rest.filter((row) => row.includes("bad"))]).toEqual(["d_tablet bad", []]);
  });

  test("T03: another key than this device's own, or than the list's, is told", async () => {
    const here = visit(devicesOf());
    (here.session.inside as { deviceKey: Uint8Array | undefined }).deviceKey = new TextEncoder().encode("d_phone");
    expect(await rows(here)).toContain("d_phone good here");
    (here.session.inside as { deviceKey: Uint8Array | undefined }).deviceKey = new TextEncoder().encode("another");
    expect(await rows(here)).toContain("d_phone key here");
    expect(await rows(visit(devicesOf({ devices: everyDevice.map((one) => ({ ...one, key: "x".repeat(43) })) })))).toContain("d_tablet key");
  });

  test("what could not be asked is not called wrong", async () => {
    expect(await rows(visit(devicesOf({ away: "log/proof" })))).toEqual(["d_tablet failed", "d_phone failed here", "d_old failed out"]);
    await expect(rows(visit(devicesOf({ away: "" })))).rejects.toThrow("unavailable");
  });

  test("T40: a log that no longer begins with what this device saw is noticed", async () => {
    const here = visit(devicesOf());
    here.memo.log = JSON.stringify({ ...(JSON.parse((await rows(here), here.memo.log ?? "")) as object), size: 5 });
    const log = logOf(here.session);
    expect([await log.check(logged[3] ?? changed), log.broken]).toEqual(["wrong", true]);
  });

  test("a device that keeps nothing keeps no head of the log", async () => {
    const here = visit(devicesOf(), "memory");
    await rows(here);
    expect(here.memo.log).toBeUndefined();
  });

  test("that they were shown is said here, and to the hub", async () => {
    const here = visit(devicesOf());
    await shown(here.session);
    expect([here.saw, here.asked]).toEqual([1, ["seen?"]]);
  });

  test("each outcome has words", () => {
    expect(new Set((["checking", "good", "old", "bad", "key", "failed"] as const).map(foundWords)).size).toBe(6);
  });
});
