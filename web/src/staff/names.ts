// What roles and ways to sign in are called.

import { t, type WordKey } from "../ui/words.svelte.ts";
import type { Factor } from "./account.ts";

const roles: Partial<Record<string, WordKey>> = {
  patient: "console.role.patient",
  nurse: "console.role.nurse",
  physician: "console.role.physician",
  "medical-assistant": "console.role.medical-assistant",
  pharmacist: "console.role.pharmacist",
  therapist: "console.role.therapist",
  "front-desk": "console.role.front-desk",
  billing: "console.role.billing",
  interpreter: "console.role.interpreter",
  agent: "console.role.agent",
  clinician: "console.role.clinician",
  supervisor: "console.role.supervisor",
  compliance: "console.role.compliance",
  administrator: "console.role.administrator",
  auditor: "console.role.auditor",
  service: "console.role.service",
  keeper: "console.role.keeper",
};

/** A role, or the profession that stands in the member list. */
export function roleName(role: string): string {
  return t(roles[role] ?? "console.role.other");
}

const factors: Readonly<Record<Factor["kind"], WordKey>> = {
  passkey: "console.security.passkey",
  app: "console.security.app",
  password: "console.signIn.password",
};

export function factorName(kind: Factor["kind"]): string {
  return t(factors[kind]);
}

const methods: Readonly<Record<string, WordKey>> = {
  passkey: "console.security.passkey",
  app: "console.security.app",
  "recovery-code": "console.security.recovery",
  "set-up": "console.security.setUp",
  sso: "console.security.sso",
};

/** How somebody signed in. */
export function methodName(method: string): string {
  return t(methods[method] ?? "console.security.app");
}
