// What ever spoke for the person, as two accounts of it that have to agree: the
// audit log, which this browser checks, and the hub's list.

import type * as api from "../api/schema.ts";
import { toBase64 } from "./bytes.ts";

/** One certificate: one row. */
export interface Certified {
  readonly id: string;
  readonly device: string;
  readonly name: string;
  readonly current: boolean;
  readonly at: number;
  /** 0 if this is not the device's newest certificate, or the device is not on the list. */
  readonly expires: number;
  /** 0 if it still speaks for the person. */
  readonly revoked: number;
  /** The entry of the log; none if the log does not say that it was issued. */
  readonly event: api.AuditEvent | undefined;
  /**
   * - agrees: the log names the key that the hub's list has, and this device itself where it is its own.
   * - other: another key, or a second one of the same device, or none where entries before it have one.
   * - unsaid: it is from before entries named the key.
   */
  readonly key: "agrees" | "other" | "unsaid";
}

/** The hash of the key that an entry certifies; empty in those from before entries had one. */
export const keyOf = (event: api.AuditEvent): string => /(?:^|,)key=([\w-]{43})$/.exec(event.detail ?? "")?.[1] ?? "";

/** The first entry that names its key: all later ones do too, or somebody has left it out. */
export const namedFrom = (issued: readonly api.AuditEvent[]): number => Math.min(...issued.filter(keyOf).map((event) => event.number));

/** The hash of a public key (SEC 1, uncompressed), as the log names it. */
export async function hashOf(key: Uint8Array): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(key)));
  return toBase64(sum).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** All of a list that comes in pages. */
export async function wholeLog(page: (cursor: string) => Promise<api.AuditPage>): Promise<readonly api.AuditEvent[]> {
  const all: api.AuditEvent[] = [];
  for (let cursor = ""; ; ) {
    const { events, next } = await page(cursor);
    all.push(...events);
    if (!next) return all;
    cursor = next;
  }
}

/** With ownKey, the hash of this device's key, what is said of it is held against that. */
export function certificates(events: readonly api.AuditEvent[], devices: readonly api.DeviceInfo[], ownKey = ""): readonly Certified[] {
  const of = new Map(devices.map((device) => [device.id, device]));
  const revoked = new Map(events.filter((event) => event.kind === "device.revoked").map((event) => [event.object, event.at]));
  const issued = events.filter((event) => event.kind === "certificate.issued");
  const newest = new Map<string, api.AuditEvent>();
  for (const event of issued) {
    const known = newest.get(event.object ?? "");
    if (!known || known.number < event.number) newest.set(event.object ?? "", event);
  }
  const named = namedFrom(issued);
  const agreement = (event: api.AuditEvent, device: api.DeviceInfo | undefined): Certified["key"] => {
    const key = keyOf(event);
    if (!key) return event.number > named ? "other" : "unsaid";
    const known = [device?.key, device?.current && ownKey, ...issued.filter(({ object }) => object === event.object).map(keyOf)];
    return known.some((other) => other && other !== key) ? "other" : "agrees";
  };
  const rows = issued.map((event): Certified => {
    const device = of.get(event.object ?? "");
    return {
      id: String(event.number),
      device: event.object ?? "",
      name: device?.name ?? "",
      current: device?.current ?? false,
      at: event.at,
      expires: newest.get(event.object ?? "") === event ? (device?.expires_at ?? 0) : 0,
      revoked: revoked.get(event.object) ?? device?.revoked_at ?? 0,
      event,
      key: agreement(event, device),
    };
  });
  const unlogged = devices
    .filter((device) => device.certified && !newest.has(device.id))
    .map((device): Certified => ({
      id: device.id, device: device.id, name: device.name, current: device.current,
      at: device.certified_at ?? 0, expires: device.expires_at ?? 0, revoked: device.revoked_at ?? 0, event: undefined, key: "unsaid",
    }));
  return [...unlogged, ...rows].sort((a, b) => b.at - a.at);
}
