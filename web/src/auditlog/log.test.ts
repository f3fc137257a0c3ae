import { describe, expect, test } from "vitest";

import type * as api from "../api/schema.ts";
import { fromBase64, toBase64 } from "./bytes.ts";
import { Log, saysTheSame, type Asks } from "./log.svelte.ts";
import { commitment } from "./proof.ts";
import vector from "./vector.json";

class Memory {
  readonly values = new Map<string, string>();
  getItem(key: string): string | null {
    return this.values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.values.set(key, value);
  }
}

interface Lies {
  readonly signed?: string;
  readonly verifier?: string;
  readonly growth?: readonly string[] | null;
}

/** A server with the log of the vector, or with lies about it. */
function server(lies: Lies = {}): Asks {
  return {
    practice: "oak",
    checkpoint: async () => ({ signed: lies.signed ?? vector.signed, verifier: lies.verifier ?? vector.verifier, size: 0, root: "", witnesses: [] }),
    proof: async (number, size) => ({ number, size, hashes: vector.entries[number]?.proof ?? [] }),
    growth: async (earlier, later) => (lies.growth === null ? undefined : { number: earlier, size: later, hashes: lies.growth ?? vector.growth[earlier - 1]?.hashes ?? [] }),
  };
}

// Entries of the vector as events that were erased: their words are not ours.
const erased = (number: number) => ({ number, commitment: vector.entries[number]?.commitment }) as api.AuditEvent;
const earlier = vector.growth[4]; // when the log had 5 entries

describe("the log as this browser knows it", () => {
  test("what is in the signed log is shown as such, and the head is kept", async () => {
    const memory = new Memory();
    const log = new Log(server(), memory);
    expect(log.of(3)).toBe("unchecked");
    expect(await log.check(erased(3))).toBe("erased");
    expect(JSON.parse(memory.getItem("sotto.audit.oak") ?? "")).toMatchObject({ size: 13 });
    expect(log.head?.size).toBe(13);
  });

  test("T40: the proof of an entry is of the head that it was asked of, also once a newer one is known", async () => {
    let signed = earlier?.signed ?? "";
    const log = new Log({ ...server(), checkpoint: () => server({ signed }).checkpoint() }, new Memory());
    await log.check(erased(3)).catch(() => undefined);
    const asked = signed;
    signed = vector.signed;
    await log.check(erased(9)); // newer than the head
    expect(log.said.checkpoint?.signed).toBe(vector.signed);
    expect(log.paths.get(3)).toMatchObject({ proof: { size: 5 }, checkpoint: { signed: asked } });
    expect(log.paths.get(9)).toMatchObject({ proof: { size: 13 }, checkpoint: { signed: vector.signed } });
  });

  test("T40: a rewritten, shortened or re-keyed log is noticed and stays noticed", async () => {
    const memory = new Memory();
    await new Log(server({ signed: earlier?.signed ?? "" }), memory).current();
    const grown = new Log(server(), memory);
    expect((await grown.current()).anchored).toBe(true);
    const kept = memory.getItem("sotto.audit.oak");
    for (const lies of [
      { signed: earlier?.signed ?? "" }, // put back to an earlier state
      { verifier: vector.verifier.replace("t_oak", "t_elm") },
    ]) {
      const log = new Log(server(lies), memory);
      expect(await log.check(erased(3))).toBe("wrong");
      expect(log.broken).toBe(true);
      expect(memory.getItem("sotto.audit.oak")).toBe(kept);
    }
    const root = flip(vector.growth[4]?.signed.split("\n")[2] ?? "");
    memory.setItem("sotto.audit.oak", JSON.stringify({ verifier: vector.verifier, size: 5, root }));
    const forked = new Log(server(), memory);
    expect(await forked.check(erased(3))).toBe("wrong");
    expect(forked.broken).toBe(true);
    memory.setItem("sotto.audit.oak", JSON.stringify({ verifier: vector.verifier, size: 5, root: earlier?.signed.split("\n")[2] }));
    const unproved = new Log(server({ growth: null }), memory);
    expect(await unproved.check(erased(3))).toBe("wrong");
    expect(unproved.broken).toBe(true);
  });

  test("T40: an entry whose words are not those that were logged does not match", async () => {
    const salt = "AAAAAAAAAAAAAAAAAAAAAA==";
    const encoded = '{"v":1,"practice":"t_oak","at":1,"kind":"people.listed","outcome":"done","role":"staff","person":"p_dana"}';
    const shown = { number: 0, at: 1, kind: "people.listed", outcome: "done", role: "staff", person: "p_dana", encoded, salt } as unknown as api.AuditEvent;
    expect(saysTheSame(shown, encoded)).toBe(true);
    for (const change of [{ person: "p_kim" }, { at: 2 }, { outcome: "refused" }, { patient: "p_ana" }, { rules: ["x"] }]) expect(saysTheSame({ ...shown, ...change } as api.AuditEvent, encoded)).toBe(false);
    expect(saysTheSame(shown, "{")).toBe(false);
    const bound = toBase64(await commitment(fromBase64(salt), encoded));
    expect(await new Log(server(), new Memory()).check({ ...shown, commitment: bound } as api.AuditEvent)).toBe("wrong"); // it is in no log
    expect(await new Log(server(), new Memory()).check({ ...erased(0), ...shown, commitment: vector.entries[0]?.commitment } as api.AuditEvent)).toBe("wrong");
  });

  test("what could not be asked is not called wrong", async () => {
    const log = new Log({ ...server(), checkpoint: () => Promise.reject(new Error("offline")) }, new Memory());
    expect(await log.check(erased(3))).toBe("failed");
    expect(log.broken).toBe(false);
  });
});

function flip(root: string): string {
  const bytes = fromBase64(root);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return toBase64(bytes);
}
