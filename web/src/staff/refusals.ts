// Which words go with which refusal. Every text says what is safe and what to do.

import type { WordKey } from "../ui/words.svelte.ts";
import type { Refusal } from "./refused.ts";

const ofRefusal: Record<Refusal, WordKey> = {
  offline: "console.refusal.offline",
  unauthenticated: "console.refusal.unauthenticated",
  locked: "console.refusal.locked",
  "password-expired": "console.expired.text",
  "step-up-needed": "console.refusal.stepUp",
  network: "console.refusal.network",
  "last-factor": "console.refusal.lastFactor",
  "weak-password": "console.refusal.weakPassword",
  forbidden: "console.refusal.forbidden",
  conflict: "console.refusal.conflict",
  "made-already": "console.refusal.madeAlready",
  "sso-only": "console.refusal.ssoOnly",
  "sso-refused": "console.refusal.ssoRefused",
  "second-factor": "console.refusal.secondFactor",
  "not-linked": "console.refusal.notLinked",
  "no-role": "console.refusal.noRole",
  "provider-away": "console.refusal.providerAway",
  cancelled: "console.refusal.cancelled",
  "no-passkeys": "console.refusal.noPasskeys",
  "not-found": "console.refusal.notFound",
  malformed: "console.refusal.malformed",
  "rate-limited": "console.refusal.rateLimited",
  unavailable: "console.refusal.unavailable",
  internal: "console.refusal.internal",
};

export function refusalWords(refusal: Refusal): WordKey {
  return ofRefusal[refusal];
}
