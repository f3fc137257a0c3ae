import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import type * as api from "../api/schema.ts";
import cosigned from "../../../internal/auditlog/testdata/cosigned.json";
import { Log } from "./log.svelte.ts";
import { entryProof, evidence } from "./save.ts";

test("T40: the proof of an entry is the file that TestT40EntryProof checks", () => {
  const [entry] = cosigned.entries.slice(5);
  const made = entryProof(entry as unknown as api.AuditEvent, { proof: { number: 5, size: cosigned.entries.length, hashes: entry?.proof ?? [] }, checkpoint: { signed: cosigned.signed, verifier: cosigned.verifier, size: cosigned.entries.length, root: "", witnesses: [] } });
  expect(made).toBe(readFileSync(new URL("../../../internal/auditlog/testdata/entry.tlog-proof", import.meta.url), "utf8"));
});

test("T40: the evidence has what this browser kept, what the server says, and the entries that are wrong alone", async () => {
  const [good, other] = cosigned.entries as unknown as [api.AuditEvent, api.AuditEvent];
  const wrong = { ...other, salt: good.salt };
  const kept = JSON.stringify({ verifier: cosigned.verifier, size: 12, root: "" });
  const log = new Log(
    {
      practice: "oak",
      checkpoint: async () => ({ signed: cosigned.signed, verifier: cosigned.verifier, size: cosigned.entries.length, root: "", witnesses: [] }),
      proof: async (number, size) => ({ number, size, hashes: cosigned.entries[number]?.proof ?? [] }),
      growth: async () => undefined,
    },
    { getItem: () => kept, setItem: () => undefined },
  );
  expect(await log.check(wrong)).toBe("wrong"); // the log has become shorter, too
  const file = JSON.parse(evidence(log, [good, wrong], new Date(0))) as Record<string, unknown>;
  expect(file).toMatchObject({ at: "1970-01-01T00:00:00.000Z", log_is_broken: true, kept: { size: 12 }, checkpoint: { signed: cosigned.signed }, entries: [{ event: { number: 1, salt: good.salt } }] });
  expect(file.entries).toHaveLength(1);
});
