// Signing in and out: the few calls that the page makes itself. The session is
// a cookie that scripts cannot see. All that is said in conversations goes
// through the core.

import { isRecord } from "../core/shared/wire.ts";

export interface StaffPerson {
  readonly id: string;
  readonly role: string;
  readonly name: string;
}

export interface StaffSession {
  /** The practice's slug. */
  readonly practice: string;
  readonly person: StaffPerson;
  readonly login: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Whom a set-up link is for. */
export interface Invitation {
  readonly practice: string;
  readonly name: string;
  readonly login: string;
}

export interface Queue {
  readonly id: string;
  /** Why a patient writes, by language. */
  readonly reason: Readonly<Record<string, string>>;
}

/** What the console shows of the practice. */
export interface Practice {
  readonly slug: string;
  readonly name: string;
  readonly phone: string;
  readonly timeZone: string;
  readonly languages: readonly string[];
  readonly demo: boolean;
  readonly waitMinutes: number;
  readonly queues: readonly Queue[];
  readonly maxFileBytes: number;
}

/** Why a call was refused, in kinds that the page has words for. */
export type Refusal = "offline" | "unauthenticated" | "not-found" | "malformed" | "rate-limited" | "unavailable" | "internal";

/** A refused call. It carries no text of the server's. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly refusal: Refusal;
  /** Leads to the entry in the server's log; holds nothing else. */
  readonly reference: string;
  /** Seconds until it is worth another try; 0 if not said. */
  readonly retryAfter: number;
  constructor(refusal: Refusal, reference = "", retryAfter = 0) {
    super(refusal);
    this.refusal = refusal;
    this.reference = reference;
    this.retryAfter = retryAfter;
  }
}

export class Account {
  private readonly fetch: typeof fetch;

  constructor(fetcher: typeof fetch = (...args) => fetch(...args)) {
    this.fetch = fetcher;
  }

  /** Who is signed in, or nobody. */
  async session(): Promise<StaffSession | undefined> {
    try {
      const session = await this.call("GET", "/v1/staff/session");
      return isRecord(session.person) ? readSession(session) : undefined; // 204: nobody is signed in
    } catch (error) {
      if (error instanceof Refused && error.refusal === "unauthenticated") return undefined;
      throw error;
    }
  }

  async signIn(practice: string, login: string, password: string): Promise<StaffSession> {
    return readSession(await this.call("POST", "/v1/staff/sign-in", { practice, login, password }));
  }

  async signOut(): Promise<void> {
    await this.call("POST", "/v1/staff/sign-out", {});
  }

  async inspect(token: string): Promise<Invitation> {
    const body = await this.call("POST", "/v1/staff/set-up/inspect", { token });
    const person = isRecord(body.person) ? body.person : {};
    return { practice: text(body.practice), name: text(person.name), login: text(body.login) };
  }

  /** Uses a set-up link to choose a password, which signs the person in. */
  async setUp(token: string, password: string): Promise<StaffSession> {
    return readSession(await this.call("POST", "/v1/staff/set-up", { token, password }));
  }

  async practice(slug: string): Promise<Practice> {
    return readPractice(await this.call("GET", `/v1/practices/${encodeURIComponent(slug)}`));
  }

  private async call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    let response: Response;
    try {
      response = await this.fetch(path, {
        method,
        credentials: "same-origin",
        cache: "no-store",
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new Refused("offline");
    }
    const value = await bodyOf(response);
    if (response.ok) return value;
    const after = Number(response.headers.get("Retry-After"));
    throw new Refused(refusalOf(response.status), text(value.request_id), Number.isFinite(after) ? after : 0);
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

function refusalOf(status: number): Refusal {
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

function readSession(body: Record<string, unknown>): StaffSession {
  const person = isRecord(body.person) ? body.person : {};
  const id = text(person.id);
  if (id === "") throw new Refused("internal");
  return {
    practice: text(body.practice),
    person: { id, role: text(person.role), name: text(person.name) },
    login: text(body.login),
    expiresAt: number(body.expires_at),
  };
}

function readPractice(body: Record<string, unknown>): Practice {
  return {
    slug: text(body.slug),
    name: text(body.name),
    phone: text(body.phone),
    timeZone: text(body.time_zone),
    languages: list(body.languages).map(text),
    demo: body.demo === true,
    waitMinutes: number(body.wait_minutes),
    queues: list(body.queues).filter(isRecord).map((q) => ({ id: text(q.id), reason: texts(q.reason) })),
    maxFileBytes: number(body.max_file_bytes),
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function texts(value: unknown): Record<string, string> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, text(v)]));
}
