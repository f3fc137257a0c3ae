// How a page gets at the core. It is small on purpose: what works is in the
// worker, which is loaded when connectCore is called and not before.

import type { Core } from "../shared/protocol.ts";
import { Connection, coreOver, type WorkerPort } from "./connection.ts";
import { trustedAddress, workerUrl } from "./trusted.ts";

export { CoreError, failureOf } from "../shared/failure.ts";

function makeWorker(): WorkerPort {
  return new Worker(trustedAddress(workerUrl) as URL, { type: "module", name: "sotto-core" }) as unknown as WorkerPort;
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
