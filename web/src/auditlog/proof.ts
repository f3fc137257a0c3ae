// Checks in the browser that an entry is in the signed log, and that the log
// was not rewritten since this browser last looked: Merkle proofs of RFC 9162,
// section 2.1, and signed checkpoints of C2SP signed-note and tlog-checkpoint.
// It trusts nothing that the server says but what these prove.

import { fromBase64, sameBytes, toBase64, utf8 } from "./bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Something does not match; what says in which step. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
}

async function sha256(...parts: readonly Uint8Array[]): Promise<Bytes> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

const leafHash = (commitment: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(0), commitment);
const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(1), left, right);

/** What an event is bound by: the log's leaf is over it. */
export function commitment(salt: Uint8Array, encoded: string): Promise<Bytes> {
  return sha256(utf8("sotto audit event v1\n"), salt, utf8(encoded));
}

/** RFC 9162, section 2.1.3.2. Numbers of entries are far below 2^53. */
export async function checkInclusion(number: number, size: number, of: Uint8Array, proof: readonly Uint8Array[], root: Uint8Array): Promise<void> {
  if (!(number >= 0 && number < size)) throw new Mismatch("number");
  let fn = number;
  let sn = size - 1;
  let hash = await leafHash(of);
  for (const step of proof) {
    if (sn === 0) throw new Mismatch("inclusion");
    if (fn % 2 === 1 || fn === sn) {
      hash = await nodeHash(step, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      hash = await nodeHash(hash, step);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0 || !sameBytes(hash, root)) throw new Mismatch("inclusion");
}

/** RFC 9162, section 2.1.4.2: the later log begins with the earlier one. */
export async function checkGrowth(earlier: Head, later: Head, proof: readonly Uint8Array[]): Promise<void> {
  if (earlier.size < 1 || earlier.size > later.size) throw new Mismatch("growth");
  if (earlier.size === later.size) {
    if (proof.length > 0 || !sameBytes(earlier.root, later.root)) throw new Mismatch("growth");
    return;
  }
  const exact = Number.isInteger(Math.log2(earlier.size));
  const path = exact ? [earlier.root, ...proof] : [...proof];
  let fn = earlier.size - 1;
  let sn = later.size - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  const [first, ...rest] = path;
  if (!first) throw new Mismatch("growth");
  let [fr, sr]: Uint8Array[] = [first, first] as [Uint8Array, Uint8Array];
  for (const step of rest) {
    if (sn === 0 || !fr || !sr) throw new Mismatch("growth");
    if (fn % 2 === 1 || fn === sn) {
      fr = await nodeHash(step, fr);
      sr = await nodeHash(step, sr);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else {
      sr = await nodeHash(sr, step);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0 || !fr || !sr || !sameBytes(fr, earlier.root) || !sameBytes(sr, later.root)) throw new Mismatch("growth");
}

/** How a log stands. */
export interface Head {
  readonly size: number;
  readonly root: Uint8Array;
}

/** What is signed, and the lines under it, each by whom it says (C2SP signed-note). */
function openNote(signed: string): { readonly text: string; readonly lines: readonly (readonly [name: string, signature: Bytes])[] } {
  const cut = signed.indexOf("\n\n");
  if (cut < 0) throw new Mismatch("checkpoint");
  const lines = signed.slice(cut + 2).split("\n").flatMap((line) => {
    const [, name = "", signature = ""] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    return name ? [[name, fromBase64(signature)] as const] : [];
  });
  return { text: signed.slice(0, cut + 1), lines };
}

interface Verifier {
  readonly name: string;
  readonly id: Bytes;
  good(signature: Bytes, text: string): Promise<boolean>;
}

// Kinds of keys.
const ofLog = 1;
const ofWitness = 4;

async function readVerifier(verifier: string, kind: number): Promise<Verifier> {
  const [name = "", id = "", ...rest] = verifier.split("+");
  const key = fromBase64(rest.join("+"));
  if (key.length !== 33 || key[0] !== kind) throw new Mismatch("key");
  const expected = (await sha256(utf8(`${name}\n`), key)).slice(0, 4);
  if ([...expected].map((byte) => byte.toString(16).padStart(2, "0")).join("") !== id) throw new Mismatch("key");
  const publicKey = await crypto.subtle.importKey("raw", key.slice(1), "Ed25519", false, ["verify"]);
  return { name, id: expected, good: (signature, text) => crypto.subtle.verify("Ed25519", publicKey, signature, utf8(text)) };
}

/** Checks a checkpoint's signature by the log's key, and reads it. */
export async function openCheckpoint(signed: string, verifier: string): Promise<Head> {
  const log = await readVerifier(verifier, ofLog);
  const { text, lines } = openNote(signed);
  let good = false;
  for (const [name, bytes] of lines) {
    if (name === log.name && bytes.length === 68 && sameBytes(bytes.slice(0, 4), log.id)) good ||= await log.good(bytes.slice(4), text);
  }
  if (!good) throw new Mismatch("signature");
  const [origin, size = "", root = ""] = text.split("\n");
  if (origin !== log.name || !/^(0|[1-9]\d{0,15})$/.test(size)) throw new Mismatch("checkpoint");
  const head = { size: Number(size), root: fromBase64(root) };
  if (head.root.length !== 32 || toBase64(head.root) !== root) throw new Mismatch("checkpoint");
  return head;
}

/** Later than any witness's clock, in Unix seconds. */
const latest = 2 ** 40;

/**
 * When the witness of that key signed a checkpoint, by its clock, in Unix
 * milliseconds (C2SP tlog-cosignature, version 1). Whether the log did is for
 * openCheckpoint to say.
 */
export async function cosignedAt(signed: string, verifier: string): Promise<number> {
  const witness = await readVerifier(verifier, ofWitness);
  const { text, lines } = openNote(signed);
  for (const [name, bytes] of lines) {
    if (name !== witness.name || bytes.length !== 76 || !sameBytes(bytes.slice(0, 4), witness.id)) continue;
    const seconds = new DataView(bytes.buffer).getBigUint64(4);
    if (seconds <= latest && (await witness.good(bytes.slice(12), `cosignature/v1\ntime ${seconds}\n${text}`))) return Number(seconds) * 1000;
  }
  throw new Mismatch("cosignature");
}
