import { expect, test } from "vitest";

import type * as api from "../api/schema.ts";
import { certificates } from "./devices.ts";

const event = (number: number, kind: string, object: string): api.AuditEvent =>
  ({ number, at: 1000 + number, kind, object, outcome: "done", role: "service", commitment: "" }) as api.AuditEvent;
const device = (id: string, more: Partial<api.DeviceInfo> = {}): api.DeviceInfo =>
  ({ id, name: `name of ${id}`, current: false, created_at: 1, certified: true, needs_voucher: false, certified_at: 1, expires_at: 9000, ...more });

test("T03: each certificate is a row, newest first, with what both accounts say", () => {
  const rows = certificates(
    [event(9, "certificate.issued", "d_b"), event(7, "device.revoked", "d_a"), event(5, "certificate.issued", "d_a"), event(3, "certificate.issued", "d_a")],
    [device("d_a", { revoked_at: 1008 }), device("d_b", { current: true })],
  );
  expect(rows.map((row) => [row.event?.number, row.device, row.current, row.expires, row.revoked])).toEqual([
    [9, "d_b", true, 9000, 0],
    [5, "d_a", false, 9000, 1007],
    [3, "d_a", false, 0, 1007],
  ]);
});

test("T03: a certified device that the log does not know is a row without an entry", () => {
  const rows = certificates([event(3, "certificate.issued", "d_a")], [device("d_a"), device("d_ghost", { certified_at: 5000 }), device("d_new", { certified: false })]);
  expect(rows.map((row) => [row.device, row.event?.number])).toEqual([["d_ghost", undefined], ["d_a", 3]]);
});

test("a device that only the log knows is shown", () => {
  expect(certificates([event(3, "certificate.issued", "d_gone")], []).map((row) => [row.device, row.name])).toEqual([["d_gone", ""]]);
});

const keyed = (number: number, object: string, key: string): api.AuditEvent => ({ ...event(number, "certificate.issued", object), detail: `role=nurse,key=${key.repeat(43)}` });
const keys = (events: readonly api.AuditEvent[], devices: readonly api.DeviceInfo[], own?: string): readonly string[] =>
  certificates(events, devices, own).map((row) => `${row.event?.number} ${row.key}`);

test("T03: the key that the log names is held against the list's, and against this device's own", () => {
  const list = [device("d_a", { key: "A".repeat(43), current: true }), device("d_b", { key: "B".repeat(43) })];
  expect(keys([keyed(9, "d_b", "B"), keyed(5, "d_a", "A")], list, "A".repeat(43))).toEqual(["9 agrees", "5 agrees"]);
  expect(keys([keyed(9, "d_b", "C"), keyed(5, "d_a", "A")], list)).toEqual(["9 other", "5 agrees"]);
  expect(keys([keyed(9, "d_b", "B"), keyed(5, "d_a", "A")], list, "C".repeat(43))).toEqual(["9 agrees", "5 other"]);
});

test("T03: a renewal is told from a second key of one device", () => {
  expect(keys([keyed(9, "d_a", "A"), keyed(5, "d_a", "A")], [])).toEqual(["9 agrees", "5 agrees"]);
  expect(keys([keyed(9, "d_a", "B"), keyed(5, "d_a", "A")], [])).toEqual(["9 other", "5 other"]);
});

test("T03: only entries from before the first with a key may have none", () => {
  const [old, late] = [event(2, "certificate.issued", "d_a"), event(8, "certificate.issued", "d_c")];
  expect(keys([late, keyed(5, "d_b", "B"), old], [])).toEqual(["8 other", "5 agrees", "2 unsaid"]);
  expect(keys([old], [])).toEqual(["2 unsaid"]);
});
