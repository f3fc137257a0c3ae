import type { Failure } from "./protocol.ts";

const failures: Record<Failure, true> = {
  offline: true,
  "signed-out": true,
  "not-a-member": true,
  "not-found": true,
  taken: true,
  closed: true,
  "consent-withdrawn": true,
  "consent-due": true,
  "too-large": true,
  "wrong-type": true,
  "rate-limited": true,
  "storage-blocked": true,
  "storage-full": true,
  untrusted: true,
  "too-late": true,
  cancelled: true,
  internal: true,
};

/**
 * What a refused call rejects with. It carries a kind and never the text of an
 * error: that text may quote what somebody typed, and the page picks the words.
 */
export class CoreError extends Error {
  override readonly name = "CoreError";
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure);
    this.failure = failure;
  }
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === "string" && Object.hasOwn(failures, value);
}

/** The kind of any error, `internal` if it is none of ours. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CoreError) return error.failure;
  if (typeof error === "object" && error !== null && "failure" in error && isFailure(error.failure)) {
    return error.failure;
  }
  return "internal";
}
