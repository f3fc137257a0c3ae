// Passkeys as the browser has them. What they sign commits to its purpose: see
// api/staff.go, whose words these are. The server and the keeper check it.

import type * as api from "../api/schema.ts";
import { Refused } from "./refused.ts";

/** What a passkey is asked to sign. */
export interface Ask {
  readonly purpose: "sign-in" | "confirm" | "register" | "introduce" | "device" | "return";
  /** The practice's slug. */
  readonly practice: string;
  /** The person's id; empty to sign in. */
  readonly person: string;
  readonly nonce: string;
  /** The key that is vouched for, for some purposes. */
  readonly key?: Uint8Array;
}

export interface Passkeys {
  available(): boolean;
  get(ask: Ask): Promise<api.PasskeyAssertion>;
  create(ask: Ask, owner: { login: string; name: string }, name: string): Promise<api.PasskeyRegistration>;
}

const utf8 = new TextEncoder();

/** A vector of RFC 9420's encoding, section 2.1.2, shorter than 16 KB. */
function vector(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const head = length < 0x40 ? [length] : [0x40 | (length >> 8), length & 0xff];
  return new Uint8Array([...head, ...bytes]);
}

export async function challengeOf(ask: Ask): Promise<Uint8Array<ArrayBuffer>> {
  const words = ["sotto passkey v1", ask.purpose, ask.practice, ask.person, ask.nonce].map((word) => utf8.encode(word));
  const parts = [...words, ask.key ?? new Uint8Array()].map(vector);
  const signed = new Uint8Array(parts.flatMap((part) => [...part]));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", signed));
}

function base64(bytes: ArrayBuffer | Uint8Array): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

// All that goes wrong in the browser's own dialog is the person's choice, as
// far as a page may know: browsers do not tell.
async function asked<T extends AuthenticatorResponse>(dialog: Promise<Credential | null>): Promise<{ credential: PublicKeyCredential; response: T }> {
  let credential: Credential | null;
  try {
    credential = await dialog;
  } catch {
    throw new Refused("cancelled");
  }
  if (!(credential instanceof PublicKeyCredential)) throw new Refused("cancelled");
  return { credential, response: credential.response as T };
}

export const browserPasskeys: Passkeys = {
  available: () => typeof PublicKeyCredential === "function",

  async get(ask) {
    if (!this.available()) throw new Refused("no-passkeys");
    const publicKey: PublicKeyCredentialRequestOptions = { challenge: await challengeOf(ask), userVerification: "required", timeout: 120_000 };
    const { credential, response } = await asked<AuthenticatorAssertionResponse>(navigator.credentials.get({ publicKey }));
    return {
      nonce: ask.nonce,
      credential: base64(credential.rawId),
      client_data: base64(response.clientDataJSON),
      authenticator_data: base64(response.authenticatorData),
      signature: base64(response.signature),
      ...(response.userHandle ? { user_handle: base64(response.userHandle) } : {}),
    };
  },

  async create(ask, owner, name) {
    if (!this.available()) throw new Refused("no-passkeys");
    const publicKey: PublicKeyCredentialCreationOptions = {
      challenge: await challengeOf(ask),
      rp: { name: "Sotto" },
      user: { id: utf8.encode(ask.person), name: owner.login, displayName: owner.name },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
      timeout: 120_000,
    };
    const { credential, response } = await asked<AuthenticatorAttestationResponse>(navigator.credentials.create({ publicKey }));
    return {
      nonce: ask.nonce,
      name,
      credential: base64(credential.rawId),
      client_data: base64(response.clientDataJSON),
      attestation: base64(response.attestationObject),
    };
  },
};

// The attestation object ends with authenticator data, and that with the
// passkey's id and public key, which is all that is wanted of it.
export function publicKeyOf(made: api.PasskeyRegistration): Uint8Array {
  const bytes = Uint8Array.from(atob(made.attestation), (c) => c.charCodeAt(0));
  const id = Uint8Array.from(atob(made.credential), (c) => c.charCodeAt(0));
  for (let at = bytes.length - id.length - 1; at > 0; at--) {
    if (id.every((byte, i) => bytes[at + i] === byte)) return bytes.subarray(at + id.length);
  }
  throw new Refused("no-passkeys");
}
