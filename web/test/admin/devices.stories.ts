// The section "My devices". Its proofs are real, as those of the audit log's.

import type * as api from "../../src/api/schema.ts";
import vector from "../../src/auditlog/vector.json";
import cosigned from "../../../internal/auditlog/testdata/cosigned.json";
import { certificatesOf, logged } from "../devices.ts";
import { now, session } from "./server.ts";
import type { Story } from "./story.ts";

const entry = (number: number, kind: string, object: string, hoursAgo: number, commitment = vector.entries[number]?.commitment ?? ""): api.AuditEvent => ({
  number, at: now - hoursAgo * 3_600_000, kind, outcome: "done", role: "service", person: "p_keeper", object, subject: "p_nurse", commitment,
});
const device = (id: string, name: string, hoursAgo: number, more: Partial<api.DeviceInfo> = {}): api.DeviceInfo => ({
  id, name, current: false, created_at: now - hoursAgo * 3_600_000, certified: true, needs_voucher: false,
  certified_at: now - hoursAgo * 3_600_000, expires_at: now + 8_000_000_000, ...more,
});
const log: api.AuditPage = {
  events: [entry(12, "certificate.issued", "d_tablet", 2), entry(11, "device.revoked", "d_old", 300), entry(10, "certificate.issued", "d_laptop", 900), entry(3, "certificate.issued", "d_old", 4000)],
};
const devices = [device("d_old", "Firefox on Windows", 4000, { revoked_at: now - 300 * 3_600_000 }), device("d_laptop", "Chrome on macOS", 900, { current: true }), device("d_tablet", "Safari on iPad", 2)];
const answers: NonNullable<Story["answers"]> = {
  "GET /v1/staff/devices/log?limit=200": { ...log },
  "GET /v1/staff/devices": { devices },
  "GET /v1/audit/checkpoint": { signed: vector.signed, verifier: vector.verifier, size: 13, root: "", witnesses: [] },
  "POST /v1/staff/devices/seen": {},
  ...Object.fromEntries(vector.entries.map(({ number, proof }) => [`GET /v1/audit/proof?number=${number}&size=13`, { size: 13, number, hashes: proof }])),
};

export const stories: Record<string, Story> = {
  devices: { hash: "#/devices", as: "nurse", answers },
  "devices-new": { hash: "#/devices", as: "nurse", answers: { ...answers, "GET /v1/staff/session": { ...session("nurse"), new_devices: 1 } } },
  "devices-seen": {
    hash: "#/devices",
    as: "nurse",
    answers: { ...answers, "GET /v1/staff/session": { ...session("nurse"), new_devices: 1 } },
    then: async (page) => {
      await page.pause(300);
      document.querySelector<HTMLButtonElement>("main .banner button, main [role=status] button")?.click();
      await page.pause(200);
    },
  },
  "devices-ghost": {
    hash: "#/devices",
    as: "nurse",
    answers: {
      ...answers,
      "GET /v1/staff/devices": { devices: [...devices, device("d_ghost", "Chrome on Linux", 1)] },
      "GET /v1/staff/devices/log?limit=200": { events: [entry(12, "certificate.issued", "d_tablet", 2, vector.entries[4]?.commitment), ...log.events.slice(1)] },
    },
  },
  "devices-witnessed": {
    hash: "#/devices",
    as: "nurse",
    answers: {
      ...answers,
      "GET /v1/staff/devices/log?limit=200": { events: logged.filter(({ kind }) => kind !== "conversation.begun").toReversed() },
      "GET /v1/staff/devices": { devices: [] },
      "GET /v1/audit/checkpoint": { signed: cosigned.signed, verifier: cosigned.verifier, size: logged.length, root: "", witnesses: cosigned.witnesses.slice(0, 1) },
      ...Object.fromEntries(cosigned.entries.map(({ number, proof }) => [`GET /v1/audit/proof?number=${number}&size=${logged.length}`, { size: logged.length, number, hashes: proof }])),
    },
  },
  "devices-key": {
    hash: "#/devices",
    as: "nurse",
    answers: {
      ...answers,
      "GET /v1/staff/devices/log?limit=200": { events: certificatesOf("p_me") },
      "GET /v1/staff/devices": { devices: [device("d_tablet", "Safari on iPad", 2, { key: "x".repeat(43) })] },
      "GET /v1/audit/checkpoint": { signed: cosigned.signed, verifier: cosigned.verifier, size: logged.length, root: "", witnesses: [] },
      ...Object.fromEntries(cosigned.entries.map(({ number, proof }) => [`GET /v1/audit/proof?number=${number}&size=${logged.length}`, { size: logged.length, number, hashes: proof }])),
    },
  },
  "devices-failed": { hash: "#/devices", as: "nurse", answers: { ...answers, "GET /v1/staff/devices": { refused: 503, code: "unavailable" } } },
  "devices-waiting": { hash: "#/devices", as: "nurse", answers: { ...answers, "GET /v1/staff/devices/log?limit=200": "never" } },
};
