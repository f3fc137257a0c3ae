// Calls of the API for a signed-in staff person. The session is a cookie that
// scripts cannot see.

import type * as api from "../api/schema.ts";
import type { Untrusted } from "../api/untrusted.ts";
import { BrowserKey } from "../core/shared/browserkey.ts";
import { isRecord } from "../core/shared/wire.ts";
import { Refused, type Refusal } from "./refused.ts";

export class Server {
  private readonly fetch: typeof fetch;
  private readonly key = new BrowserKey();
  /** The keys of what was asked for and not answered yet, by what was asked, and since when. */
  private readonly unanswered = new Map<string, { readonly key: string; readonly since: number }>();
  /** Told of every refusal, before who called is. */
  onrefused: ((refused: Refused) => void) | undefined;

  constructor(fetcher: typeof fetch = (...args) => fetch(...args)) {
    this.fetch = fetcher;
  }

  /** Calls the API, or throws a {@link Refused}. No body in the answer is an empty record. */
  async call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    return bodyOf(await this.ask(method, path, body));
  }

  /**
   * Calls the API to make something, once: who asks for the same again because
   * no answer came is given that of the first.
   */
  async make(path: string, body?: unknown): Promise<Record<string, unknown>> {
    const asked = JSON.stringify([path, body]);
    const before = this.unanswered.get(asked);
    const open = before && Date.now() - before.since < againMs ? before : { key: crypto.randomUUID(), since: Date.now() };
    this.unanswered.set(asked, open);
    try {
      const made = await wholeBodyOf(await this.ask("POST", path, body, undefined, { "Idempotency-Key": open.key }));
      this.unanswered.delete(asked);
      return made;
    } catch (error) {
      if (error instanceof Refused && answered.has(error.refusal)) this.unanswered.delete(asked);
      throw error;
    }
  }

  /**
   * Fetches a file, or throws a {@link Refused}: one that breaks off is none.
   * progress is told of each part as it comes, with the answer's headers.
   */
  async file(method: string, path: string, progress: (part: Uint8Array, headers: Headers) => void = () => undefined, signal?: AbortSignal): Promise<Blob> {
    const { body, headers } = await this.ask(method, path, undefined, signal);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const reader = body?.getReader();
    for (;;) {
      const read = await reader?.read().catch(() => {
        throw new Refused(signal?.aborted ? "cancelled" : "offline");
      });
      if (!read || read.done) break;
      parts.push(read.value);
      progress(read.value, headers);
    }
    return new Blob(parts, { type: headers.get("Content-Type") ?? "" });
  }

  private async ask(method: string, path: string, body: unknown, signal?: AbortSignal, more: Readonly<Record<string, string>> = {}): Promise<Response> {
    const send = async () =>
      this.fetch(path, {
        method,
        credentials: "same-origin",
        cache: "no-store",
        headers: { ...more, ...(await this.key.headers(method, path)), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      });
    let response: Response;
    try {
      response = await send();
      if (this.key.wasLate(response)) response = await send();
    } catch {
      throw new Refused(signal?.aborted ? "cancelled" : "offline");
    }
    if (response.ok) return response;
    const after = Number(response.headers.get("Retry-After"));
    const problem: Untrusted<api.Problem> = await bodyOf(response);
    const code = typeof problem.code === "string" ? problem.code : "";
    const reference = typeof problem.request_id === "string" ? problem.request_id : "";
    const refused = new Refused(refusalOf(response.status, code), reference, Number.isFinite(after) ? after : 0);
    this.onrefused?.(refused);
    throw refused;
  }
}

async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  try {
    const value: unknown = await response.json();
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

// The answer to a making, or none: one that breaks off is asked for again.
async function wholeBodyOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text().catch(() => {
    throw new Refused("offline");
  });
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // as below
  }
  throw new Refused("offline");
}

/** How long the same words are the same request: later, somebody means it anew. */
const againMs = 10 * 60_000;

/**
 * Refusals that answer for the making itself: nothing was made, or it was
 * already. Others may come before the key is looked at (the screen is locked)
 * and say nothing of it.
 */
const answered: ReadonlySet<Refusal> = new Set(["made-already", "conflict", "malformed", "not-found", "forbidden"]);

const byCode: Readonly<Record<string, Refusal>> = {
  locked: "locked",
  "password-expired": "password-expired",
  "step-up-needed": "step-up-needed",
  network: "network",
  "last-factor": "last-factor",
  "weak-password": "weak-password",
  forbidden: "forbidden",
  conflict: "conflict",
  "made-already": "made-already",
  "key-in-use": "unavailable",
  "sso-only": "sso-only",
  "sso-refused": "sso-refused",
  "second-factor": "second-factor",
  "not-linked": "not-linked",
  "no-role": "no-role",
  "provider-away": "provider-away",
};

function refusalOf(status: number, code: string): Refusal {
  const known = byCode[code];
  if (known) return known;
  switch (status) {
    case 401:
    case 403:
      return "unauthenticated";
    case 404:
    case 410:
      return "not-found";
    case 400:
    case 409:
    case 413:
    case 422:
      return "malformed";
    case 429:
      return "rate-limited";
    case 502:
    case 503:
    case 504:
    case 507:
      return "unavailable";
    default:
      return "internal";
  }
}
