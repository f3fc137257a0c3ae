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

/** Checks a checkpoint's signature by the log's key, and reads it. */
export async function openCheckpoint(signed: string, verifier: string): Promise<Head> {
  const [name = "", id = "", ...rest] = verifier.split("+");
  const key = fromBase64(rest.join("+"));
  if (key.length !== 33 || key[0] !== 1) throw new Mismatch("key");
  const expected = (await sha256(utf8(`${name}\n`), key)).slice(0, 4);
  if ([...expected].map((byte) => byte.toString(16).padStart(2, "0")).join("") !== id) throw new Mismatch("key");
  const cut = signed.indexOf("\n\n");
  if (cut < 0) throw new Mismatch("checkpoint");
  const text = signed.slice(0, cut + 1);
  const publicKey = await crypto.subtle.importKey("raw", key.slice(1), "Ed25519", false, ["verify"]);
  let good = false;
  for (const line of signed.slice(cut + 2).split("\n")) {
    if (!line.startsWith(`— ${name} `)) continue;
    const bytes = fromBase64(line.slice(name.length + 3));
    if (bytes.length === 68 && sameBytes(bytes.slice(0, 4), expected)) good ||= await crypto.subtle.verify("Ed25519", publicKey, bytes.slice(4), utf8(text));
  }
  if (!good) throw new Mismatch("signature");
  const [origin, size = "", root = ""] = text.split("\n");
  if (origin !== name || !/^(0|[1-9]\d{0,15})$/.test(size)) throw new Mismatch("checkpoint");
  const head = { size: Number(size), root: fromBase64(root) };
  if (head.root.length !== 32 || toBase64(head.root) !== root) throw new Mismatch("checkpoint");
  return head;
}
