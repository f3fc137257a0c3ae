// The addresses of scripts that a page of ours may run beside itself. An
// address of a worker is a Trusted Types sink; this policy knows two.

import workerUrl from "../worker/main.ts?worker&url";

interface ScriptPolicy {
  createScriptURL(input: string): unknown;
}

const known: readonly string[] = [workerUrl, "/service-worker.js"];
let policy: ScriptPolicy | undefined;

export { workerUrl };

/** The address as a browser with Trusted Types wants it. */
export function trustedAddress(address: string): unknown {
  const { trustedTypes } = globalThis as {
    trustedTypes?: { createPolicy(name: string, rules: { createScriptURL(input: string): string }): ScriptPolicy };
  };
  if (!trustedTypes) return address;
  policy ??= trustedTypes.createPolicy("sotto-worker", {
    createScriptURL: (input) => {
      if (!known.includes(input)) throw new TypeError("not a script of ours");
      return input;
    },
  });
  return policy.createScriptURL(address);
}
