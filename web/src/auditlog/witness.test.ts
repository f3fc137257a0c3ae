import { describe, expect, test } from "vitest";

import type * as api from "../api/schema.ts";
import cosigned from "../../../internal/auditlog/testdata/cosigned.json";
import { Log, type Asks } from "./log.svelte.ts";
import { cosignedAt, Mismatch, openCheckpoint } from "./proof.ts";

// cosigned.json is made and read by TestT40CosignedLog too.
const size = cosigned.entries.length;

const witness = ({ name, verifier, size, at, signed }: (typeof cosigned.witnesses)[number], change: Partial<api.AuditWitness> = {}): api.AuditWitness => ({ name, verifier, size, at, signed, ...change });
const [north, south] = cosigned.witnesses.map((each) => witness(each)) as [api.AuditWitness, api.AuditWitness];

/** The log as this browser finds it, and what it found of each witness. */
async function found(witnesses: readonly api.AuditWitness[], change: Partial<Asks> = {}): Promise<{ log: Log; of: readonly string[] }> {
  const server: Asks = {
    practice: "oak",
    checkpoint: async () => ({ signed: cosigned.signed, verifier: cosigned.verifier, size, root: "", witnesses }),
    proof: async (number) => ({ number, size, hashes: cosigned.entries[number]?.proof ?? [] }),
    growth: async (earlier, later) => ({ number: earlier, size: later, hashes: cosigned.growth[earlier - 1] ?? [] }),
    ...change,
  };
  const log = new Log(server, undefined);
  await log.current();
  return { log, of: log.witnesses.map((each) => each.found) };
}

describe("witnesses of the audit log", () => {
  test("T40: a signature is found as the witness made it, with its time", async () => {
    for (const { signed, verifier, size, at } of cosigned.witnesses) {
      expect(await cosignedAt(signed, verifier)).toBe(at);
      expect((await openCheckpoint(signed, cosigned.verifier)).size).toBe(size);
    }
    const { log, of } = await found([north, south]);
    expect([of, log.broken]).toEqual([["signed", "signed"], false]);
    expect(log.witnesses.map(({ size, at }) => [size, at])).toEqual([[size, north.at], [5, south.at]]);
  });

  test.each(cosigned.bad)("T40: not counted: $why", async (bad) => {
    await expect(cosignedAt(bad.signed, bad.verifier)).rejects.toThrow(Mismatch);
    const { log, of } = await found([witness(bad), south]);
    expect([of, log.broken]).toEqual([["wrong", "signed"], false]);
    expect(log.witnesses[0]).toMatchObject({ size: 0, at: 0 });
  });

  test("T40: one that is told of twice counts once", async () => {
    expect((await found([north, { ...north, name: "another" }])).of).toEqual(["signed"]);
  });

  test("T40: what the server says of size and time counts for nothing", async () => {
    const { log } = await found([{ ...south, size: 7, at: 1 }]);
    expect(log.witnesses[0]).toMatchObject({ size: 5, at: south.at });
  });

  test("T40: a head that the log's key did not sign is not counted", async () => {
    const [text = "", lines = ""] = north.signed.split("\n\n");
    const { of } = await found([{ ...north, signed: `${text}\n\n${lines.split("\n").slice(1).join("\n")}` }]);
    expect(of).toEqual(["wrong"]);
  });

  test("T40: a key of the log is none of a witness, nor the other way round", async () => {
    await expect(cosignedAt(cosigned.signed, cosigned.verifier)).rejects.toThrow(Mismatch);
    await expect(openCheckpoint(north.signed, north.verifier)).rejects.toThrow(Mismatch);
  });

  test("T40: a witness that signed another history of this log is proof that it was rewritten", async () => {
    const { log, of } = await found([north, witness(cosigned.forked)]);
    expect([of, log.broken]).toEqual([["signed", "wrong"], true]);
    const hidden = await found([south], { growth: async () => undefined });
    expect([hidden.of, hidden.log.broken]).toEqual([["wrong"], true]);
  });

  test("one that never signed, and one that could not be looked at, are neither", async () => {
    const { log, of } = await found([{ ...north, signed: "", size: 0, at: 0, problem: "away" }, south], { growth: () => Promise.reject(new Error("offline")) });
    expect([of, log.broken, log.witnesses[0]?.problem]).toEqual([["none", "failed"], false, "away"]);
  });
});
