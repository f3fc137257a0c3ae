// What ever spoke for the person, as two accounts of it that have to agree: the
// audit log, which this browser checks, and the hub's list.

import type * as api from "../api/schema.ts";

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

export function certificates(events: readonly api.AuditEvent[], devices: readonly api.DeviceInfo[]): readonly Certified[] {
  const of = new Map(devices.map((device) => [device.id, device]));
  const revoked = new Map(events.filter((event) => event.kind === "device.revoked").map((event) => [event.object, event.at]));
  const issued = events.filter((event) => event.kind === "certificate.issued");
  const newest = new Map<string, api.AuditEvent>();
  for (const event of issued) {
    const known = newest.get(event.object ?? "");
    if (!known || known.number < event.number) newest.set(event.object ?? "", event);
  }
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
    };
  });
  const unlogged = devices
    .filter((device) => device.certified && !newest.has(device.id))
    .map((device): Certified => ({
      id: device.id, device: device.id, name: device.name, current: device.current,
      at: device.certified_at ?? 0, expires: device.expires_at ?? 0, revoked: device.revoked_at ?? 0, event: undefined,
    }));
  return [...unlogged, ...rows].sort((a, b) => b.at - a.at);
}
