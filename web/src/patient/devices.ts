// What writes as the patient, by the audit log and by the hub's list, and what
// proves that the log says so. It loads with the sheet that shows it.

import type * as api from "../api/schema.ts";
import { certificates, hashOf, wholeLog, type Certified } from "../auditlog/devices.ts";
import type { Log } from "../auditlog/log.svelte.ts";
import { t, type WordKey } from "../ui/words.svelte.ts";
import { sure } from "./log.ts";
import type { Session } from "./model/session.ts";

/** Each certificate, newest first. Throws if it could not be asked. */
export async function whatWrites(session: Session): Promise<readonly Certified[]> {
  const [events, { devices }] = await Promise.all([
    wholeLog((cursor) => sure<api.AuditPage>(session, "log", `limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)),
    sure<api.OwnDevices>(session, ""),
  ]);
  const { deviceKey } = session.inside;
  return certificates(events, devices, deviceKey && (await hashOf(deviceKey)));
}

/** This device has shown them. If the hub does not hear of it, it tells of them again. */
export async function shown(session: Session): Promise<void> {
  session.inside.sawDevices();
  await session.inside.core?.devices("seen").catch(() => undefined);
}

export type Found = "checking" | "good" | "old" | "bad" | "key" | "failed";

/** What came of the proof of a device, in the few ways that matter to a patient. */
export function found(log: Log, { event, key }: Certified): Found {
  if (!event) return "bad";
  if (key === "other") return "key";
  switch (log.of(event.number)) {
    case "signed":
    case "proved":
      return key === "unsaid" ? "old" : "good";
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
  old: "patient.wrote.old",
  bad: "patient.wrote.bad",
  key: "patient.wrote.key",
  failed: "patient.wrote.unchecked",
};
export const foundWords = (of: Found): string => t(words[of]);
