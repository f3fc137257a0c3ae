// Holds what the audit log and the receipts of consent export as FHIR against
// the official R4 definitions. Of the audit log that is an event of every kind
// there is, and of every purpose (internal/audit/export, TestGolden).
//
//   node --test e2e/fhir.test.mjs

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { validate, validateBundle } from "./fhir.mjs";

const lines = readFileSync(new URL("../internal/audit/export/testdata/fhir.ndjson", import.meta.url), "utf8").trim().split("\n");
const bundle = JSON.parse(readFileSync(new URL("../internal/consent/fhir/testdata/bundle.json", import.meta.url), "utf8"));

/** Each spoils a resource in one way, and is refused for the reason that it names, if it does. */
function refuses(resource, spoils) {
  validate(resource);
  for (const [spoil, why = /./] of spoils) {
    const spoiled = structuredClone(resource);
    spoil(spoiled);
    assert.throws(() => validate(spoiled), why, String(spoil));
  }
}

test("events of every kind are AuditEvents by the official definitions", () => {
  assert.ok(lines.length > 150);
  for (const line of lines) validate(JSON.parse(line));
});

test("what is no AuditEvent is refused", () => {
  refuses(JSON.parse(lines[0]), [
    [(e) => delete e.agent],
    [(e) => delete e.recorded],
    [(e) => (e.outcome = 4)],
    [(e) => (e.made = "up")],
    [(e) => (e.source.observer = "Sotto")],
    [(e) => (e.recorded = "yesterday")],
    [(e) => (e.purposeOfEvent = [{ coding: "HOPERAT" }])],
  ]);
});

test("a code that is not in a value set that must be kept is refused", () => {
  refuses(JSON.parse(lines[0]), [
    [(e) => (e.action = "X"), /AuditEvent\.action: X is not in/],
    [(e) => (e.outcome = "5"), /AuditEvent\.outcome: 5 is not in/],
    [(e) => (e.agent[0].network = { address: "192.0.2.7", type: "9" }), /network\.type: 9 is not in/],
    [(e) => (e.agent[0].who = { identifier: { system: "urn:x", value: "1", use: "mine" } }), /use: mine is not in/],
  ]);
});

test("receipts of each kind are Consents by the official definitions, in a Bundle", () => {
  assert.ok(bundle.entry.length > 6);
  validateBundle(bundle);
  for (const { resource } of bundle.entry) assert.equal(resource.resourceType, "Consent");
  assert.throws(() => validateBundle({ ...bundle, type: "heap" }), /Bundle\.type: heap is not in/);
});

test("what is no Consent is refused", () => {
  refuses(bundle.entry[0].resource, [
    [(c) => delete c.status],
    [(c) => delete c.scope],
    [(c) => delete c.category],
    [(c) => (c.dateTime = "lately")],
    [(c) => (c.made = "up")],
    [(c) => (c.patient = "p_1")],
    [(c) => (c.provision.period = "a year")],
    [(c) => (c.status = "given"), /Consent\.status: given is not in/],
    [(c) => (c.provision.type = "maybe"), /Consent\.provision\.type: maybe is not in/],
  ]);
});
