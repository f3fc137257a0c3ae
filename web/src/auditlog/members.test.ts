import { expect, test } from "vitest";

import type * as api from "../api/schema.ts";
import type { Leaf, PersonId } from "../core/shared/protocol.ts";
import { certificatesOf, devicesOf, ghostLeaf as ghost, leaves, logged } from "../../test/devices.ts";
import { keyOf } from "./devices.ts";
import { Log } from "./log.svelte.ts";
import { Members, type Asks } from "./members.svelte.ts";

type Tells = (person: string) => readonly api.AuditEvent[];

/** The log with real proofs, and a hub that may lie of it. */
function members(holds: readonly Leaf[], tells: Tells = certificatesOf, more: Partial<Asks> = {}): Members & { pauses: number } {
  const ask = devicesOf();
  const answer = async <T>(what: Parameters<typeof ask>[0], query?: string): Promise<T> => (ask(what, query) as { answer: T }).answer;
  const log = new Log({
    practice: "oak",
    checkpoint: () => answer("log/checkpoint"),
    proof: (number, size) => answer("log/proof", `number=${number}&size=${size}`),
    growth: (earlier, later) => answer("log/growth", `earlier=${earlier}&later=${later}`),
  }, undefined);
  const asks: Asks = {
    leaves: async () => holds,
    certificates: async (person) => ({ events: tells(person) }) as api.AuditPage,
    pause: async () => void it.pauses++,
    ...more,
  };
  const it = Object.assign(new Members(log, asks), { pauses: 0 });
  return it;
}
const all = (it: Members): readonly string[] => ["p_me", "p_nurse", "p_archive"].map((person) => `${it.of(person)?.devices} ${it.of(person)?.standing}`);

test("T03: each device that holds the keys is proved to be in the log, with its key", async () => {
  const it = members(leaves);
  expect(it.of("p_nurse")).toBeUndefined();
  await it.check();
  expect([all(it), it.alarm, it.unchecked, it.pauses]).toEqual([["2 proved", "1 proved", "1 proved"], false, false, 0]);
});

test("T03: a device that the log does not know is cried out, once it had its time to come", async () => {
  const it = members([...leaves, ghost]);
  await it.check();
  expect([all(it), it.alarm, it.pauses]).toEqual([["2 proved", "2 missing", "1 proved"], true, 2]);
});

test("T03: another key under a known device is no renewal", async () => {
  const [first, ...rest] = leaves;
  if (!first) throw new Error();
  const it = members([...rest, { ...first, key: ghost.key }]);
  await it.check();
  expect([it.of(first.person)?.standing, it.alarm, it.pauses]).toEqual(["missing", true, 0]);
});

test("T03: a second key that the log has for a device is cried out too", async () => {
  const second = (event: api.AuditEvent): api.AuditEvent => ({ ...event, number: event.number + 1, detail: `role=nurse,key=${ghost.key}` });
  const it = members(leaves, (person) => certificatesOf(person).flatMap((event) => (event.object === "d_nurse" ? [second(event), event] : [event])));
  await it.check();
  expect([it.of("p_nurse")?.standing, it.of("p_me")?.standing]).toEqual(["missing", "proved"]);
});

test("T03: another role than the log's is cried out", async () => {
  const it = members(leaves.map((leaf) => (leaf.device === "d_nurse" ? { ...leaf, role: "keeper" } : leaf)));
  await it.check();
  expect(it.of("p_nurse")?.standing).toBe("missing");
});

test("T03: an entry that is not in the signed log, or says something else there, is cried out", async () => {
  const entry = logged.find(({ object, kind }) => object === "d_nurse" && kind === "certificate.issued");
  const made = { ...entry, object: ghost.device, detail: `role=nurse,key=${ghost.key}` } as api.AuditEvent;
  const it = members([...leaves, ghost], (person) => (person === "p_nurse" ? [made, ...certificatesOf(person)] : certificatesOf(person)));
  await it.check();
  expect(it.of("p_nurse")).toEqual({ devices: 2, standing: "missing" });
});

test("entries from before the log named keys are told apart; later ones without a key are no such", async () => {
  const old = logged.find(({ object, kind }) => object === "d_old" && kind === "certificate.issued");
  expect(keyOf(old as api.AuditEvent)).toBe("");
  const held: Leaf = { person: "p_me" as PersonId, device: "d_old", role: "patient", key: ghost.key };
  const it = members([held, ...leaves]);
  await it.check();
  expect([it.of("p_me")?.standing, it.alarm]).toEqual(["unnamed", false]);
  const before = { ...old, number: 0, object: "d_other", subject: "p_nurse", detail: `role=nurse,key=${ghost.key}` } as api.AuditEvent;
  const late = members([held, ...leaves], (person) => [...certificatesOf(person), ...(person === "p_nurse" ? [before] : [])]);
  await late.check();
  expect(late.of("p_me")?.standing).toBe("missing");
});

test("one that comes a second later is young, and then proved", async () => {
  let asked = 0;
  const seen: (string | undefined)[] = [];
  const it: Members = members(leaves, (person) => (person === "p_nurse" && asked++ === 0 ? [] : certificatesOf(person)), {
    pause: async () => void seen.push(it.of("p_nurse")?.standing),
  });
  await it.check();
  expect([seen, it.of("p_nurse")?.standing, it.alarm]).toEqual([["young"], "proved", false]);
});

test("who has left meanwhile is no stranger", async () => {
  let asked = 0;
  const it = members([], certificatesOf, { leaves: async () => (asked++ === 0 ? [...leaves, ghost] : leaves) });
  await it.check();
  expect([it.of("p_nurse"), it.alarm]).toEqual([{ devices: 1, standing: "proved" }, false]);
});

test("what could not be asked is not called wrong", async () => {
  const none = members(leaves, certificatesOf, { leaves: () => Promise.reject(new Error("offline")) });
  await none.check();
  expect([none.failed, none.alarm, none.of("p_me")]).toEqual([true, false, undefined]);
  const some = members(leaves, certificatesOf, { certificates: () => Promise.reject(new Error("offline")) });
  await some.check();
  expect([all(some), some.alarm, some.unchecked]).toEqual([["2 failed", "1 failed", "1 failed"], false, true]);
});

test("what was proved once is not asked for again", async () => {
  const known = new Set<string>();
  const it = members(leaves);
  const asked: string[] = [];
  const again = new Members(it["log"], { leaves: async () => leaves, certificates: async (person) => ({ events: (asked.push(person), certificatesOf(person)) }) as unknown as api.AuditPage, pause: async () => undefined }, known);
  await again.check();
  expect([new Set(asked).size, known.size]).toEqual([3, leaves.length]);
  await again.check();
  expect([asked.length, all(again)]).toEqual([3, ["2 proved", "1 proved", "1 proved"]]);
});
