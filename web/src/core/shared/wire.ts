// Messages between a page and the worker. Both ends check the shape of what
// arrives: the page here, the worker in worker/check.ts, arguments included.

import { isFailure } from "./failure.ts";
import type { Core, CoreEvent, Failure } from "./protocol.ts";

export type Method = Exclude<keyof Core, "subscribe">;

/**
 * How a call may be treated when the one who carried it out is gone: `safe`
 * ones (reads, writes that set a value, and what has a name of the page's) are
 * done again; the others might be done twice, so they fail and the page decides.
 */
const repeats: Record<Method, "safe" | "never"> = {
  start: "safe",
  open: "safe",
  sendText: "safe",
  sendFile: "safe",
  retry: "safe",
  cancel: "safe",
  recall: "safe",
  lines: "safe",
  openFile: "safe",
  markRead: "safe",
  setTyping: "safe",
  saveDraft: "safe",
  safetyCode: "safe",
  leaves: "safe",
  certificates: "safe",
  act: "safe",
  agree: "safe",
  agreements: "safe",
  sightings: "safe",
  devices: "safe",
  takeBack: "safe",
  rate: "safe",
  identify: "never",
  introduce: "safe",
  comeBack: "never",
  list: "safe",
  forget: "safe",
};

export const methodNames = Object.keys(repeats) as readonly Method[];

export function isRepeatable(method: Method): boolean {
  return repeats[method] === "safe";
}

export interface Call {
  readonly t: "call";
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

/**
 * To the worker. A `ping` is answered by `alive` whatever else goes on. What
 * the page hears of the network it passes on: workers are told late or never.
 */
export type ToWorker = Call | { readonly t: "ping" } | { readonly t: "network"; readonly online: boolean };

export type FromWorker =
  | { readonly t: "done"; readonly id: number; readonly value: unknown }
  | { readonly t: "fail"; readonly id: number; readonly failure: Failure }
  | { readonly t: "event"; readonly event: CoreEvent }
  | { readonly t: "alive" }
  | { readonly t: "dead" }; // the core stopped: only a new worker helps

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

const eventKinds: Record<CoreEvent["kind"], (event: Record<string, unknown>) => boolean> = {
  connection: (e) => typeof e.connection === "string" && typeof e.queued === "number",
  conversation: (e) => isRecord(e.conversation),
  line: (e) => isRecord(e.line),
  "line-removed": (e) => typeof e.id === "string",
  emergency: () => true,
  devices: () => true,
  verification: (e) => typeof e.conversation === "string",
  leading: (e) => typeof e.leading === "boolean",
  failed: (e) => isFailure(e.failure),
};

export function isEvent(value: unknown): value is CoreEvent {
  if (!isRecord(value) || typeof value.kind !== "string" || !Object.hasOwn(eventKinds, value.kind)) return false;
  return eventKinds[value.kind as CoreEvent["kind"]](value);
}

export function isFromWorker(value: unknown): value is FromWorker {
  if (!isRecord(value)) return false;
  switch (value.t) {
    case "done":
      return typeof value.id === "number";
    case "fail":
      return typeof value.id === "number" && isFailure(value.failure);
    case "event":
      return isEvent(value.event);
    case "alive":
    case "dead":
      return true;
    default:
      return false;
  }
}
