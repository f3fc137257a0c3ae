import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import type * as api from "../api/schema.ts";
import cosigned from "../../../internal/auditlog/testdata/cosigned.json";
import { entryProof } from "./save.ts";

test("T40: the proof of an entry is the file that TestT40EntryProof checks", () => {
  const [entry] = cosigned.entries.slice(5);
  const made = entryProof(entry as unknown as api.AuditEvent, entry?.proof ?? [], cosigned.signed);
  expect(made).toBe(readFileSync(new URL("../../../internal/auditlog/testdata/entry.tlog-proof", import.meta.url), "utf8"));
});
