// What writes as the patient, by the audit log and by the hub's list, and what
// proves that the log says so. It loads with the sheet that shows it.

import type * as api from "../api/schema.ts";
import { certificates, wholeLog, type Certified } from "../auditlog/devices.ts";
import { Log, type Asks } from "../auditlog/log.svelte.ts";
import type { DevicesAsk } from "../core/shared/protocol.ts";
import { t, type WordKey } from "../ui/words.svelte.ts";
import type { Session } from "./model/session.ts";

/** An answer of the hub's, of which nothing is believed but what is proved; undefined if it has none. Throws if it could not be asked. */
async function ask<T>(session: Session, what: DevicesAsk, query?: string): Promise<T | undefined> {
  const { core } = session.inside;
  if (!core) throw new Error("no core");
  const got = await core.devices(what, query);
  if ("answer" in got) return got.answer as T;
  if (got.refused === "not-found") return undefined;
  throw new Error(got.refused);
}

async function sure<T>(session: Session, what: DevicesAsk, query?: string): Promise<T> {
  const got = await ask<T>(session, what, query);
  if (got === undefined) throw new Error("not-found");
  return got;
}

/** The log as this browser knows it. On a device that keeps nothing, no head of it is kept either. */
export function logOf(session: Session): Log {
  const { memo, slug } = session.inside.world;
  const asks: Asks = {
    practice: slug,
    checkpoint: () => sure(session, "log/checkpoint"),
    proof: (number, size) => sure(session, "log/proof", `number=${number}&size=${size}`),
    growth: (earlier, later) => ask(session, "log/growth", `earlier=${earlier}&later=${later}`),
  };
  const store = { getItem: () => memo.log ?? null, setItem: (_: string, head: string) => void (memo.log = head) };
  return new Log(asks, session.state.keeping === "memory" ? undefined : store);
}

/** Each certificate, newest first. Throws if it could not be asked. */
export async function whatWrites(session: Session): Promise<readonly Certified[]> {
  const [events, { devices }] = await Promise.all([
    wholeLog((cursor) => sure<api.AuditPage>(session, "log", `limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)),
    sure<api.OwnDevices>(session, ""),
  ]);
  return certificates(events, devices);
}

/** This device has shown them. If the hub does not hear of it, it tells of them again. */
export async function shown(session: Session): Promise<void> {
  session.inside.sawDevices();
  await session.inside.core?.devices("seen").catch(() => undefined);
}

export type Found = "checking" | "good" | "bad" | "failed";

/** What came of the proof of a device, in the few ways that matter to a patient. */
export function found(log: Log, { event }: Certified): Found {
  if (!event) return "bad";
  switch (log.of(event.number)) {
    case "signed":
    case "proved":
      return "good";
    case "wrong":
      return "bad";
    case "failed":
    case "erased":
      return "failed";
    default:
      return "checking";
  }
}

const words: Record<Found, WordKey> = {
  checking: "patient.wrote.checking",
  good: "patient.wrote.good",
  bad: "patient.wrote.bad",
  failed: "patient.wrote.unchecked",
};
export const foundWords = (of: Found): string => t(words[of]);
