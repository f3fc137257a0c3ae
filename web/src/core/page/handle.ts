// How a page gets at the core. It is small on purpose: what works is in the
// worker, which is loaded when connectCore is called and not before.

import workerUrl from "../worker/main.ts?worker&url";

import type { Core } from "../shared/protocol.ts";
import { Connection, coreOver, type WorkerPort } from "./connection.ts";

export { CoreError, failureOf } from "../shared/failure.ts";

interface ScriptPolicy {
  createScriptURL(input: string): unknown;
}

let policy: ScriptPolicy | undefined;

// A worker's address is a Trusted Types sink. This policy knows one address.
function trustedWorkerUrl(): unknown {
  const { trustedTypes } = globalThis as {
    trustedTypes?: { createPolicy(name: string, rules: { createScriptURL(input: string): string }): ScriptPolicy };
  };
  if (!trustedTypes) return workerUrl;
  policy ??= trustedTypes.createPolicy("sotto-worker", {
    createScriptURL: (input) => {
      if (input !== workerUrl) throw new TypeError("not the worker");
      return input;
    },
  });
  return policy.createScriptURL(workerUrl);
}

function makeWorker(): WorkerPort {
  return new Worker(trustedWorkerUrl() as URL, { type: "module", name: "sotto-core" }) as unknown as WorkerPort;
}

/**
 * Starts the worker, which begins to load the core at once, and gives the
 * handle on it. Call it when the person shows that they will chat, for example
 * while they read the consent; every call on the handle settles.
 */
export function connectCore(): Core {
  const connection = new Connection(makeWorker);
  addEventListener("online", () => connection.network(true));
  addEventListener("offline", () => connection.network(false));
  return coreOver(connection);
}
