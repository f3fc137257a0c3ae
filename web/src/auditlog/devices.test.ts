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
