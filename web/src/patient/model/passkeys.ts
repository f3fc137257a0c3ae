// A patient's passkeys: to save one, and to come back with it. What they sign
// is in staff/passkey.ts; the server and the practice's keeper check it.

import { browserPasskeys, publicKeyOf, type Ask } from "../../staff/passkey.ts";
import { Refused } from "../../staff/refused.ts";
import type { View } from "../view.svelte.ts";

export type Answer = { answer: unknown } | { refused: string };

/**
 * What this page may do with passkeys. In a frame that is the clinic's page to
 * say: browsers keep "create" and "get" apart.
 */
export function mayPasskey(what: "create" | "get"): boolean {
  if (!browserPasskeys.available()) return false;
  if (parent === window) return true;
  const policy = (document as { featurePolicy?: { allowsFeature(name: string): boolean } }).featurePolicy;
  return policy?.allowsFeature(`publickey-credentials-${what}`) ?? false;
}

async function nonce(): Promise<string> {
  const response = await fetch("/v1/challenges", { method: "POST", credentials: "omit" });
  const got = (await response.json()) as { nonce?: unknown };
  if (!response.ok || typeof got.nonce !== "string") throw new Refused("unavailable");
  return got.nonce;
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Runs what asks the browser; whatever goes wrong is a word. */
async function settled(work: () => Promise<Answer | undefined>): Promise<Answer> {
  try {
    return (await work()) ?? { refused: "failed" };
  } catch (error) {
    return { refused: error instanceof Refused ? error.refusal : "failed" };
  }
}

/** Makes a passkey, has this device introduce it, and adds it. */
export function addPasskey({ session, practiceName, deviceName }: View, person: string): Promise<Answer> {
  return settled(async () => {
    const { core, world } = session.inside;
    const ask: Ask = { purpose: "register", practice: world.slug, person, nonce: await nonce() };
    const passkey = await browserPasskeys.create(ask, { login: practiceName, name: practiceName }, deviceName.slice(0, 64));
    const signature = await core?.introduce(publicKeyOf(passkey));
    return signature && core?.identify("passkeys", { passkey, signature: base64(signature) });
  });
}

/** Has a passkey sign for this device's key. A new device is then one of its owner's. */
export function comeBack({ session }: View): Promise<Answer> {
  return settled(async () => {
    const { core, deviceKey, world } = session.inside;
    if (!deviceKey) return undefined;
    const assertion = await browserPasskeys.get({ purpose: "return", practice: world.slug, person: "", nonce: await nonce(), key: deviceKey });
    return core?.comeBack(assertion);
  });
}
