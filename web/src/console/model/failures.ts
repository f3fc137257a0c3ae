// Which words go with which failure. Every text says what is safe and what to do.

import type { Failure } from "../../core/shared/protocol.ts";
import type { WordKey } from "../../ui/words.svelte.ts";
import type { Refusal } from "../account.ts";

const ofFailure: Record<Failure, WordKey> = {
  offline: "console.failure.offline",
  "signed-out": "console.failure.signedOut",
  "not-a-member": "console.failure.notAMember",
  "not-found": "console.failure.notFound",
  taken: "console.failure.taken",
  closed: "console.failure.closed",
  "consent-withdrawn": "console.failure.consentWithdrawn",
  "too-large": "console.failure.tooLarge",
  "wrong-type": "console.failure.wrongType",
  "rate-limited": "console.failure.rateLimited",
  "storage-blocked": "console.failure.storageBlocked",
  "storage-full": "console.failure.storageFull",
  untrusted: "console.failure.untrusted",
  "too-late": "console.failure.tooLate",
  cancelled: "console.failure.cancelled",
  internal: "console.failure.internal",
};

export function failureWords(failure: Failure): WordKey {
  return ofFailure[failure];
}

const ofRefusal: Record<Refusal, WordKey> = {
  offline: "console.refusal.offline",
  unauthenticated: "console.refusal.unauthenticated",
  locked: "console.refusal.locked",
  "step-up-needed": "console.refusal.stepUp",
  network: "console.refusal.network",
  "last-factor": "console.refusal.lastFactor",
  "weak-password": "console.refusal.weakPassword",
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
