// Holds what the audit log and the receipts of consent export as FHIR against
// the official R4 definitions. Of the audit log that is an event of every kind
// there is, as acts make them, and of every purpose; and entries that are not what
// was logged (internal/audit/export, TestGolden).
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
  assert.ok(lines.length > 200);
  for (const line of lines) validate(JSON.parse(line));
});

test("what a read was for is its purpose, by HL7's code", () => {
  const reads = lines.map((line) => JSON.parse(line)).filter(({ subtype, outcome }) => /opened|seen|listed|read$/.test(subtype[0].code) && outcome === "0");
  const said = new Set();
  for (const { purposeOfEvent, outcomeDesc } of reads) {
    assert.ok(!/^(treatment|operations|review|own)$/.test(outcomeDesc ?? ""));
    for (const { coding } of purposeOfEvent ?? []) {
      for (const { system, code } of coding) if (system.endsWith("/v3-ActReason")) said.add(code);
    }
  }
  for (const code of ["TREAT", "HOPERAT", "HCOMPL", "PATRQT", "BTG"]) assert.ok(said.has(code), `no read is for ${code}`);
});

test("whose thing it was, and what is not what was logged, is said", () => {
  const of = (code) => lines.map((line) => JSON.parse(line)).find(({ subtype }) => subtype[0].code === code);
  const people = of("certificate.issued").entity.filter(({ type }) => type.display === "Person");
  assert.deepEqual(people.map(({ what, role }) => [what.identifier.value, role.display]), [["p_kim", "User"]]);
  for (const state of ["damaged", "missing"]) assert.equal(of(state).type.display, "Security Alert");
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

test("a code that its system does not have, or calls otherwise, is refused", () => {
  const read = lines.map((line) => JSON.parse(line)).find(({ purposeOfEvent }) => purposeOfEvent?.[0].coding.length > 1);
  refuses(read, [
    [(e) => (e.purposeOfEvent[0].coding[1].code = "TREATED"), /has no code TREATED|TREATED is not in/],
    [(e) => (e.purposeOfEvent[0].coding[1].display = "Treatment"), /calls .* not "Treatment"/],
    [(e) => (e.purposeOfEvent[0].coding[1] = { system: e.purposeOfEvent[0].coding[1].system, code: "MEDNEC" }), /MEDNEC is not in .*PurposeOfUse/],
    [(e) => (e.type = { ...e.type, code: "110999" }), /110999 is not in|no code 110999/],
    [(e) => (e.type = { system: "http://dicom.nema.org/resources/ontology/DCM", code: "110114", display: "Sign-in" }), /calls 110114/],
    [(e) => (e.type = { system: "http://dicom.nema.org/resources/ontology/DCM", code: "CT", display: "Computed Tomography" }), /CT is not in .*audit-event-type/],
    [(e) => (e.source.type[0].display = "Server"), /calls 4/],
    [(e) => (e.entity[0].type.display = "Human"), /calls \d "/],
    [(e) => (e.agent[0].role[0].coding = [{ system: "http://dicom.nema.org/resources/ontology/DCM", code: "0" }]), /has no code 0/],
  ]);
});

test("receipts of each kind are Consents by the official definitions, in a Bundle", () => {
  assert.ok(bundle.entry.length > 6);
  validateBundle(bundle);
  for (const { resource } of bundle.entry) assert.equal(resource.resourceType, "Consent");
  assert.throws(() => validateBundle({ ...bundle, type: "heap" }), /Bundle\.type: heap is not in/);
});

test("who agreed for a child is the performer, and never the patient", () => {
  const of = (kind) => bundle.entry.map(({ resource }) => resource).find(({ category }) => category[1].coding[0].code === kind);
  const [granted, word] = [of("minor"), of("part2")];
  assert.equal(granted.patient.identifier.value, "p_child");
  assert.equal(word.patient.identifier, undefined);
  assert.equal(word.patient.extension[0].valueCode, "unknown");
  for (const { performer, verification } of [granted, word]) {
    for (const who of [performer[0], verification[0].verifiedWith]) assert.deepEqual([who.type, who.identifier.value], ["RelatedPerson", "p_1"]);
  }
  refuses(word, [[(c) => (c.patient.extension = [{ valueCode: "unknown" }])], [(c) => (c.patient.extension[0].url = 7)]]);
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
