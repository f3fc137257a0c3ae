import { describe, expect, test } from "vitest";

import { fromBase64 } from "./bytes.ts";
import { checkGrowth, checkInclusion, commitment, Mismatch, openCheckpoint } from "./proof.ts";
import vector from "./vector.json";

// vector.json was made by golang.org/x/mod/sumdb/tlog and note: another
// implementation than this one.
const entries = vector.entries.map((entry) => ({ ...entry, salt: fromBase64(entry.salt), commitment: fromBase64(entry.commitment), proof: entry.proof.map(fromBase64) }));
const head = await openCheckpoint(vector.signed, vector.verifier);

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[0] = (copy[0] ?? 0) ^ 1;
  return copy;
}

describe("proofs of the audit log", () => {
  test("every entry is proved to be in the log", async () => {
    expect(head.size).toBe(entries.length);
    for (const { number, encoded, salt, commitment: bound, proof } of entries) {
      expect(await commitment(salt, encoded)).toEqual(bound);
      await checkInclusion(number, head.size, bound, proof, head.root);
    }
  });

  test("T40: an entry that was changed, moved or put elsewhere is not", async () => {
    for (const { number, encoded, salt, commitment: bound, proof } of entries) {
      expect(await commitment(salt, `${encoded} `)).not.toEqual(bound);
      await expect(checkInclusion(number, head.size, flipped(bound), proof, head.root)).rejects.toThrow(Mismatch);
      await expect(checkInclusion((number + 1) % head.size, head.size, bound, proof, head.root)).rejects.toThrow(Mismatch);
      await expect(checkInclusion(number, head.size, bound, proof.slice(1), head.root)).rejects.toThrow(Mismatch);
      await expect(checkInclusion(number, head.size, bound, [...proof, head.root], head.root)).rejects.toThrow(Mismatch);
      for (let at = 0; at < proof.length; at++) {
        const wrong = proof.map((step, each) => (each === at ? flipped(step) : step));
        await expect(checkInclusion(number, head.size, bound, wrong, head.root)).rejects.toThrow(Mismatch);
      }
    }
    await expect(checkInclusion(head.size, head.size, head.root, [], head.root)).rejects.toThrow(Mismatch);
  });

  test("each earlier log is proved to be the beginning of this one", async () => {
    for (const { signed, hashes } of vector.growth) await checkGrowth(await openCheckpoint(signed, vector.verifier), head, hashes.map(fromBase64));
  });

  test("T40: a log that was rewritten, cut or forked is noticed", async () => {
    for (const { signed, hashes } of vector.growth) {
      const earlier = await openCheckpoint(signed, vector.verifier);
      const proof = hashes.map(fromBase64);
      await expect(checkGrowth({ ...earlier, root: flipped(earlier.root) }, head, proof)).rejects.toThrow(Mismatch);
      await expect(checkGrowth(earlier, { ...head, root: flipped(head.root) }, proof)).rejects.toThrow(Mismatch);
      await expect(checkGrowth(earlier, head, [...proof, head.root])).rejects.toThrow(Mismatch);
      if (earlier.size < head.size) await expect(checkGrowth(head, earlier, proof)).rejects.toThrow(Mismatch);
      for (let at = 0; at < proof.length; at++) {
        const wrong = proof.map((step, each) => (each === at ? flipped(step) : step));
        await expect(checkGrowth(earlier, head, wrong)).rejects.toThrow(Mismatch);
      }
    }
  });

  test("a checkpoint that was changed, or signed by another, is refused", async () => {
    const [text = "", signature = ""] = vector.signed.split("\n\n");
    for (const signed of [vector.signed.replace("\n13\n", "\n12\n"), `${text}\n`, `${text}\n\n${signature.replace("t_oak", "t_elm")}`, "", text.replace("oak", "elm") + "\n\n" + signature])
      await expect(openCheckpoint(signed, vector.verifier)).rejects.toThrow(Mismatch);
    await expect(openCheckpoint(vector.signed, vector.verifier.replace("t_oak", "t_elm"))).rejects.toThrow(Mismatch);
    await expect(openCheckpoint(vector.signed, "")).rejects.toThrow(Mismatch);
  });
});
