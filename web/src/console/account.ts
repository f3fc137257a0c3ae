// Signing in and out: the few calls that the page makes itself. The session is
// a cookie that scripts cannot see. All that is said in conversations goes
// through the core.

import type * as api from "../api/schema.ts";
import type { Untrusted } from "../api/untrusted.ts";
import { isRecord } from "../core/shared/wire.ts";

export type StaffPerson = Required<Pick<api.Person, "id" | "role" | "name">>;

export type StaffSession = Pick<api.StaffSession, "practice" | "login" | "expires_at"> & { readonly person: StaffPerson };

/** Whom a set-up link is for. */
export type Invitation = Pick<api.StaffSession, "practice" | "login"> & Pick<StaffPerson, "name">;

export type Queue = Pick<api.Queue, "id" | "reason">;

/** What the console shows of the practice. */
export type Practice = Pick<
  api.Practice,
  "slug" | "name" | "phone" | "time_zone" | "languages" | "demo" | "wait_minutes" | "max_file_bytes" | "recall_minutes" | "idle_minutes_staff"
> & { readonly queues: readonly Queue[] };

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

type Path = keyof api.paths | `/v1/practices/${string}`;

export class Account {
  private readonly fetch: typeof fetch;

  constructor(fetcher: typeof fetch = (...args) => fetch(...args)) {
    this.fetch = fetcher;
  }

  /** Who is signed in, or nobody. */
  async session(): Promise<StaffSession | undefined> {
    try {
      const session: Untrusted<api.StaffSession> = await this.call("GET", "/v1/staff/session");
      return isRecord(session.person) ? readSession(session) : undefined; // 204: nobody is signed in
    } catch (error) {
      if (error instanceof Refused && error.refusal === "unauthenticated") return undefined;
      throw error;
    }
  }

  async signIn(practice: string, login: string, password: string): Promise<StaffSession> {
    const asked: api.SignIn = { practice, login, password };
    return readSession(await this.call("POST", "/v1/staff/sign-in", asked));
  }

  async signOut(): Promise<void> {
    await this.call("POST", "/v1/staff/sign-out", {});
  }

  async inspect(token: string): Promise<Invitation> {
    const asked: api.InspectSetUp = { token };
    const body: Untrusted<api.StaffSession> = await this.call("POST", "/v1/staff/set-up/inspect", asked);
    const person: Untrusted<api.Person> = isRecord(body.person) ? body.person : {};
    return { practice: text(body.practice), name: text(person.name), login: text(body.login) };
  }

  /** Uses a set-up link to choose a password, which signs the person in. */
  async setUp(token: string, password: string): Promise<StaffSession> {
    const asked: api.SetUp = { token, password };
    return readSession(await this.call("POST", "/v1/staff/set-up", asked));
  }

  async practice(slug: string): Promise<Practice> {
    return readPractice(await this.call("GET", `/v1/practices/${encodeURIComponent(slug)}`));
  }

  private async call(method: string, path: Path, body?: unknown): Promise<Record<string, unknown>> {
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
    const problem: Untrusted<api.Problem> = value;
    throw new Refused(refusalOf(response.status), text(problem.request_id), Number.isFinite(after) ? after : 0);
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

function readSession(body: Untrusted<api.StaffSession>): StaffSession {
  const person: Untrusted<api.Person> = isRecord(body.person) ? body.person : {};
  const id = text(person.id);
  if (id === "") throw new Refused("internal");
  return {
    practice: text(body.practice),
    person: { id, role: text(person.role), name: text(person.name) },
    login: text(body.login),
    expires_at: number(body.expires_at),
  };
}

function readPractice(body: Untrusted<api.Practice>): Practice {
  return {
    slug: text(body.slug),
    name: text(body.name),
    phone: text(body.phone),
    time_zone: text(body.time_zone),
    languages: list(body.languages).map(text),
    demo: body.demo === true,
    wait_minutes: number(body.wait_minutes),
    queues: list(body.queues).filter(isRecord).map(readQueue),
    max_file_bytes: number(body.max_file_bytes),
    recall_minutes: number(body.recall_minutes),
    idle_minutes_staff: number(body.idle_minutes_staff),
  };
}

function readQueue(queue: Untrusted<api.Queue>): Queue {
  return { id: text(queue.id), reason: texts(queue.reason) };
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
