// Which words go with which failure. Every text says what is safe and what to do.

import type { Failure } from "../../core/shared/protocol.ts";
import type { WordKey } from "../../ui/words.svelte.ts";

const ofFailure: Record<Failure, WordKey> = {
  offline: "console.failure.offline",
  "signed-out": "console.failure.signedOut",
  "not-a-member": "console.failure.notAMember",
  "not-found": "console.failure.notFound",
  taken: "console.failure.taken",
  closed: "console.failure.closed",
  "consent-withdrawn": "console.failure.consentWithdrawn",
  "consent-due": "console.failure.consentDue",
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
