// The log as this browser knows it: the newest head that it has checked, and
// what it found of single entries. The head is kept in this browser, so that a
// log that is rewritten later is noticed, whoever rewrites it.

import type * as api from "../api/schema.ts";
import { fromBase64, sameBytes, toBase64 } from "./bytes.ts";
import { checkGrowth, checkInclusion, commitment, cosignedAt, Mismatch, openCheckpoint, type Head } from "./proof.ts";

/**
 * - unchecked: nobody has looked yet; checking: somebody looks.
 * - signed: it is in a log that the practice's key signed, and this browser had no earlier head to hold it against.
 * - proved: and the log begins with what this browser saw before.
 * - erased: its words are gone by the practice's rules; its place in the log stands.
 * - wrong: it does not match. - failed: it could not be looked at.
 */
export type Proof = "unchecked" | "checking" | "signed" | "proved" | "erased" | "wrong" | "failed";

/** Who signs heads of the log beside the practice, with what this browser found of it. */
export interface Witness {
  readonly name: string;
  readonly verifier: string;
  /** What the server says went wrong when it asked the witness last. */
  readonly problem: api.AuditWitness["problem"];
  /**
   * - signed: it signed a head that this log begins with. - none: it never signed.
   * - wrong: what is said to be its signature is none. - failed: it could not be looked at.
   */
  readonly found: "signed" | "none" | "wrong" | "failed";
  /** Of what it signed, and when, by its clock; 0 if it is not "signed". */
  readonly size: number;
  readonly at: number;
}

/** How a page asks the server about the log of its practice. What fails throws. */
export interface Asks {
  /** Names the log in what this browser keeps. */
  readonly practice: string;
  checkpoint(): Promise<api.AuditCheckpoint>;
  proof(number: number, size: number): Promise<api.AuditProof>;
  /** Undefined if the log never was of such a size. */
  growth(earlier: number, later: number): Promise<api.AuditProof | undefined>;
}

/** What this browser keeps of a head. */
export interface Kept {
  readonly verifier: string;
  readonly size: number;
  readonly root: string; // base64
}

/** Where an entry is, by the head that this was asked of. */
export interface Path {
  readonly proof: api.AuditProof;
  readonly checkpoint: api.AuditCheckpoint;
}

interface Known {
  readonly head: Head;
  readonly checkpoint: api.AuditCheckpoint;
  readonly anchored: boolean;
}

export class Log {
  private readonly server: Asks;
  private readonly store: Pick<Storage, "getItem" | "setItem"> | undefined;
  private readonly key: string;
  private checking: Promise<Known> | undefined;
  head = $state.raw<Head>();
  witnesses = $state.raw<readonly Witness[]>([]);
  /** The log does not begin with what this browser saw: stop, and keep what there is. */
  broken = $state(false);
  private proofs = $state.raw<ReadonlyMap<number, Proof>>(new Map());
  /** What the server said last of its head, beside what this browser had kept. */
  said: { readonly checkpoint?: api.AuditCheckpoint; readonly kept?: Kept | undefined } = {};
  readonly paths = new Map<number, Path>();

  constructor(server: Asks, store: Pick<Storage, "getItem" | "setItem"> | undefined = browserStore()) {
    this.server = server;
    this.store = store;
    this.key = `sotto.audit.${server.practice}`;
  }

  of(number: number): Proof {
    return this.proofs.get(number) ?? "unchecked";
  }

  /** Checks one entry, all in this browser. */
  async check(event: api.AuditEvent): Promise<Proof> {
    this.set(event.number, "checking");
    const found = await this.find(event).catch((error: unknown): Proof => {
      if (!(error instanceof Mismatch)) return "failed";
      if (error.message === "growth" || error.message === "key") this.broken = true;
      return "wrong";
    });
    this.set(event.number, found);
    return found;
  }

  private async find(event: api.AuditEvent): Promise<Proof> {
    let known = await this.current();
    if (event.number >= known.head.size) {
      this.checking = undefined; // it is newer than the head
      known = await this.current();
    }
    const bound = fromBase64(event.commitment);
    const erased = !event.encoded;
    if (event.encoded && !sameBytes(await commitment(fromBase64(event.salt ?? ""), event.encoded), bound)) throw new Mismatch("entry");
    if (event.encoded && !saysTheSame(event, event.encoded)) throw new Mismatch("entry");
    const proof = await this.server.proof(event.number, known.head.size);
    this.paths.set(event.number, { proof, checkpoint: known.checkpoint });
    await checkInclusion(event.number, known.head.size, bound, proof.hashes.map(fromBase64), known.head.root);
    if (erased) return "erased";
    return known.anchored ? "proved" : "signed";
  }

  /** The newest head, held against the one that this browser kept. */
  current(): Promise<Known> {
    this.checking ??= this.load().catch((error: unknown) => {
      this.checking = undefined;
      throw error;
    });
    return this.checking;
  }

  private async load(): Promise<Known> {
    const checkpoint = await this.server.checkpoint();
    const { signed, verifier, witnesses } = checkpoint;
    const kept = this.kept();
    this.said = { checkpoint, kept };
    const head = await openCheckpoint(signed, verifier);
    if (kept) {
      if (kept.verifier !== verifier) throw new Mismatch("key");
      const earlier = { size: kept.size, root: fromBase64(kept.root) };
      const hashes = earlier.size === head.size ? [] : earlier.size > head.size ? undefined : (await this.server.growth(earlier.size, head.size))?.hashes;
      if (!hashes) throw new Mismatch("growth"); // it has become shorter, or is another
      await checkGrowth(earlier, head, hashes.map(fromBase64));
    }
    if (head.size > 0) this.store?.setItem(this.key, JSON.stringify({ verifier, size: head.size, root: toBase64(head.root) } satisfies Kept));
    this.head = head;
    const each = new Map(witnesses.map((one) => [one.verifier, one])); // one is not two
    this.witnesses = await Promise.all([...each.values()].map((one) => this.witness(one, verifier, head)));
    return { head, checkpoint, anchored: kept !== undefined };
  }

  /** Checks what is said to be a witness's signature: also that it is of this log. */
  private async witness({ name, verifier, problem, signed }: api.AuditWitness, log: string, head: Head): Promise<Witness> {
    const told = { name, verifier, problem, size: 0, at: 0 };
    if (!signed) return { ...told, found: "none" };
    try {
      const [theirs, at] = [await openCheckpoint(signed, log), await cosignedAt(signed, verifier)];
      // It may have signed a newer one since the head was fetched.
      const [earlier, later] = theirs.size > head.size ? [head, theirs] : [theirs, head];
      if (earlier.size > 0) {
        const growth = earlier.size === later.size ? [] : (await this.server.growth(earlier.size, later.size))?.hashes;
        if (!growth) throw new Mismatch("growth");
        await checkGrowth(earlier, later, growth.map(fromBase64));
      }
      return { ...told, found: "signed", size: theirs.size, at };
    } catch (error) {
      if (!(error instanceof Mismatch)) return { ...told, found: "failed" };
      // The log's key has signed two histories: that is proof.
      if (error.message === "growth") this.broken = true;
      return { ...told, found: "wrong" };
    }
  }

  private kept(): Kept | undefined {
    try {
      const kept = JSON.parse(this.store?.getItem(this.key) ?? "null") as Partial<Kept> | null;
      return kept && typeof kept.verifier === "string" && typeof kept.size === "number" && typeof kept.root === "string" ? (kept as Kept) : undefined;
    } catch {
      return undefined;
    }
  }

  private set(number: number, proof: Proof): void {
    this.proofs = new Map(this.proofs).set(number, proof);
  }
}

/** Whether what the page shows of an event is what was logged. */
export function saysTheSame(event: api.AuditEvent, encoded: string): boolean {
  let logged: Record<string, unknown>;
  try {
    logged = JSON.parse(encoded) as Record<string, unknown>;
  } catch {
    return false;
  }
  const shown = event as unknown as Record<string, unknown>;
  const fields = ["at", "kind", "outcome", "role", "person", "device", "object", "subject", "conversation", "patient", "detail", "reason", "reference", "address", "request"];
  return fields.every((field) => (logged[field] ?? "") === (shown[field] ?? "")) && JSON.stringify(logged["rules"] ?? []) === JSON.stringify(event.rules ?? []);
}

/** Not there where a browser keeps nothing: then no entry is better than signed. */
export function browserStore(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
