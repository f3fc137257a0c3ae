// The device's signature key lives in WebCrypto and cannot be taken out: code
// that ran in this page could use it while it runs, and not carry it away.

import { signatureToDer } from "./der.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256" } as const;

export interface Signer {
  /** SEC 1, uncompressed. */
  readonly publicKey: Uint8Array;
  /** ECDSA with SHA-256, ASN.1 DER, low-S. */
  sign(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

export function makeKeyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
}

export async function signerOf(pair: CryptoKeyPair): Promise<Signer> {
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return {
    publicKey,
    async sign(message) {
      const raw = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, message);
      return signatureToDer(new Uint8Array(raw));
    },
  };
}
