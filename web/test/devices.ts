// The devices of a patient in a log whose proofs are real, as a hub tells of them.

import type * as api from "../src/api/schema.ts";
import type { DevicesAsk, Leaf, PersonId } from "../src/core/shared/protocol.ts";
import cosigned from "../../internal/auditlog/testdata/cosigned.json";

export type Answers = (ask: DevicesAsk, query?: string) => { answer: unknown } | { refused: string };

export const logged: readonly api.AuditEvent[] = cosigned.entries.map(
  ({ number, encoded, salt, commitment }) => ({ ...(JSON.parse(encoded) as object), number, encoded, salt, commitment }) as api.AuditEvent,
);
const ofDevices = logged.filter(({ kind, subject }) => subject === "p_me" && (kind === "certificate.issued" || kind === "device.revoked")).toReversed();

const at = (id: string, kind: string): number => ofDevices.find((event) => event.object === id && event.kind === kind)?.at ?? 0;
const device = (id: string, name: string, change: Partial<api.DeviceInfo> = {}): api.DeviceInfo => ({
  id, name, current: false, created_at: at(id, "certificate.issued"), certified: true, needs_voucher: false, certified_at: at(id, "certificate.issued"), ...change,
});
const devices = [device("d_old", "Firefox on Windows", { revoked_at: at("d_old", "device.revoked") }), device("d_phone", "Chrome on Android", { current: true }), device("d_tablet", "Safari on iOS")];
/** It writes as the patient, and no entry says that it may. */
export const ghost = device("d_ghost", "", { certified_at: ofDevices[0]?.at ?? 0 });
/** What was logged of this one says something else. */
export const changed = { ...ofDevices[0], at: 1_772_200_000_000 } as api.AuditEvent;

export const { witnesses } = cosigned;

/** What the log says of the certificates of a person. */
export const certificatesOf = (person: string): readonly api.AuditEvent[] => logged.filter(({ kind, subject }) => kind === "certificate.issued" && subject === person).toReversed();
/** The devices of the log that have a key there, as they hold those of a chat; the patient has two. */
export const leaves: readonly Leaf[] = logged.flatMap(({ kind, subject, object, detail }) => {
  const [, role, key] = /^role=(.*),key=(.*)$/.exec(detail ?? "") ?? [];
  return kind === "certificate.issued" && role && key ? [{ person: subject as PersonId, device: object ?? "", role, key }] : [];
});

interface Told {
  readonly isNew?: number;
  readonly devices?: readonly api.DeviceInfo[];
  readonly events?: readonly api.AuditEvent[];
  readonly witnesses?: readonly api.AuditWitness[];
  readonly away?: DevicesAsk;
}

/** What a hub answers; a change of it may be a lie. */
export function devicesOf({ isNew = 0, events = ofDevices, witnesses = [], away, ...change }: Told = {}): Answers {
  return (ask, query) => {
    if (ask === away) return { refused: "unavailable" };
    const asked = new URLSearchParams(query);
    const number = (name: string): number => Number(asked.get(name));
    switch (ask) {
      case "":
        return { answer: { devices: change.devices ?? devices, new: isNew } satisfies api.OwnDevices };
      case "log":
        return { answer: { events } satisfies Partial<api.AuditPage> };
      case "log/checkpoint":
        return { answer: { signed: cosigned.signed, verifier: cosigned.verifier, size: cosigned.entries.length, root: "", witnesses } satisfies api.AuditCheckpoint };
      case "log/proof":
        return { answer: { number: number("number"), size: number("size"), hashes: cosigned.entries[number("number")]?.proof ?? [] } satisfies api.AuditProof };
      case "log/growth":
        return { answer: { number: number("earlier"), size: number("later"), hashes: cosigned.growth[number("earlier") - 1] ?? [] } satisfies api.AuditProof };
      case "seen":
        return { answer: null };
    }
  };
}
export const everyDevice = [...devices, ghost];
/** It holds the keys of a chat, and no entry says that it may. */
export const ghostLeaf: Leaf = { person: "p_nurse" as PersonId, device: "d_ghost", role: "nurse", key: "x".repeat(43) };
