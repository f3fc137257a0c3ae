// What a page is told when a call of its own goes wrong.

/** Why a call was refused, in kinds that the page has words for. */
export type Refusal =
  | "offline"
  | "unauthenticated"
  | "locked" // unlock, then again
  | "password-expired" // choose another, then again
  | "step-up-needed" // show both factors, then again
  | "network"
  | "last-factor"
  | "weak-password"
  | "forbidden" // by policy
  | "conflict" // with what is there
  | "made-already" // by a request whose answer was lost, and is not kept
  | "sso-only" // the practice wants its own provider
  | "sso-refused" // the provider's answer is not good
  | "second-factor" // the provider showed one factor
  | "not-linked" // the account there is nobody's here
  | "no-role" // no group of the person's gives a role
  | "provider-away"
  | "cancelled" // by the person, or the browser's time was over
  | "no-passkeys" // this browser has none to offer
  | "not-found"
  | "malformed"
  | "rate-limited"
  | "unavailable"
  | "internal";

/** A refused call. It carries no text of the server's. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly refusal: Refusal;
  /** Leads to the entry in the server's log; holds nothing else. */
  readonly reference: string;
  /** Seconds until it is worth another try; 0 if not said. */
  readonly retryAfter: number;
  constructor(refusal: Refusal, reference = "", retryAfter = 0) {
    super(refusal);
    this.refusal = refusal;
    this.reference = reference;
    this.retryAfter = retryAfter;
  }
}
