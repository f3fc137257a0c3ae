// What of the log a person takes with them: the proof of an entry, to be checked
// without this server, and what shows that the log was rewritten.

import type * as api from "../api/schema.ts";
import { toBase64, utf8 } from "./bytes.ts";
import type { Log, Path } from "./log.svelte.ts";

/**
 * The proof that an entry is in the log of a checkpoint (C2SP tlog-proof,
 * version 1), for `sotto audit verify --proof`. Its extra data are the entry,
 * without the words of one that was erased.
 */
export function entryProof({ number, encoded, salt, commitment }: api.AuditEvent, { proof: { hashes }, checkpoint: { signed } }: Path): string {
  const extra = toBase64(utf8(JSON.stringify({ encoded, salt, commitment })));
  return ["c2sp.org/tlog-proof@v1", `extra ${extra}`, `index ${number}`, ...hashes, "", signed].join("\n");
}

/**
 * What shows that something does not match, for who looks into it: what this
 * browser had kept of the log, what the server said, and the entries that are
 * wrong. It holds ids and codes, as the log does.
 */
export function evidence(log: Log, events: readonly api.AuditEvent[], at: Date): string {
  const entries = events.filter(({ number }) => log.of(number) === "wrong").map((event) => ({ event, ...log.paths.get(event.number) }));
  return JSON.stringify({ form: "sotto-audit-evidence-v1", at: at.toISOString(), log_is_broken: log.broken, ...log.said, entries }, undefined, 1);
}
