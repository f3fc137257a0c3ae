// Calls to the hub. One call is one attempt: what to repeat, and when, is the
// core's to decide, as is how a session is opened. The token is in this
// worker's memory and nowhere else.

import type { BrowserKey } from "../shared/browserkey.ts";
import { HubError, UnreachableError, type EventPage, type Problem } from "../shared/hub.ts";
import { isRecord } from "../shared/wire.ts";

const timeoutMs = 30_000;
const pollTimeoutMs = 40_000; // the hub holds a poll for 25 s
const bytesTimeoutMs = 120_000;

export class Http {
  private readonly origin: string;
  private readonly key: BrowserKey | undefined;
  private bearer = "";

  /** The hub's origin, without a slash at the end; for staff, the browser's key. */
  constructor(origin: string, key?: BrowserKey) {
    this.origin = origin;
    this.key = key;
  }

  /** Sent with every call from now on, until the next. */
  setToken(token: string): void {
    this.bearer = token;
  }

  get token(): string {
    return this.bearer;
  }

  /** A call with JSON both ways; null where there is no body. */
  async json(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
    const hasBody = body !== undefined && body !== null;
    const response = await this.send(method, path, {
      body: hasBody ? JSON.stringify(body) : null,
      headers: hasBody ? { "Content-Type": "application/json" } : {},
      timeoutMs,
      signal,
    });
    return bodyOf(response);
  }

  async poll(cursor: string | undefined, signal: AbortSignal): Promise<EventPage> {
    const query = cursor === undefined ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const response = await this.send("GET", `/v1/events/poll${query}`, { timeoutMs: pollTimeoutMs, signal });
    const page = await bodyOf(response);
    if (!isRecord(page) || !Array.isArray(page.events) || typeof page.cursor !== "string") {
      throw new UnreachableError();
    }
    return page as unknown as EventPage;
  }

  /** Appends bytes to an upload (tus 1.0); resolves with how many the hub has. */
  async upload(path: string, offset: number, data: Uint8Array<ArrayBuffer>, signal?: AbortSignal): Promise<number> {
    const response = await this.send("PATCH", path, {
      body: data,
      headers: {
        "Content-Type": "application/offset+octet-stream",
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": String(offset),
      },
      timeoutMs: bytesTimeoutMs,
      signal,
    });
    return numberOf(response.headers.get("Upload-Offset"));
  }

  /** At most length bytes from offset; fewer only at the end. */
  async download(path: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    const response = await this.send("GET", path, {
      headers: { Accept: "application/octet-stream", Range: `bytes=${offset}-${offset + length - 1}` },
      timeoutMs: bytesTimeoutMs,
      signal,
    });
    const bytes = await response.bytes();
    // A proxy may have dropped the Range.
    return response.status === 206 ? bytes : bytes.subarray(offset, offset + length);
  }

  private async send(method: string, path: string, options: SendOptions): Promise<Reply> {
    const limit = AbortSignal.timeout(options.timeoutMs);
    const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
    if (this.bearer !== "") headers.Authorization = `Bearer ${this.bearer}`;
    const attempt = async () =>
      fetch(this.origin + path, {
        method,
        headers: byCookie(path) ? { ...headers, ...(await this.key?.headers(method, path)) } : headers,
        body: options.body ?? null,
        cache: "no-store",
        credentials: "same-origin",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: options.signal ? AbortSignal.any([options.signal, limit]) : limit,
      });
    let response: Response;
    try {
      response = await attempt();
      if (byCookie(path) && this.key?.wasLate(response)) response = await attempt();
    } catch {
      throw new UnreachableError();
    }
    if (!response.ok) throw new HubError(await problemOf(response));
    return new Reply(response);
  }
}

/** Whether a call is one of the staff person who is signed in, and not of the device. */
function byCookie(path: string): boolean {
  return path.startsWith("/v1/staff/") || path === "/v1/device-sessions";
}

interface SendOptions {
  readonly body?: BodyInit | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** An answer of the 200s. Reading it can still fail: the line may break. */
class Reply {
  readonly status: number;
  readonly headers: Headers;
  private readonly response: Response;
  constructor(response: Response) {
    this.response = response;
    this.status = response.status;
    this.headers = response.headers;
  }
  async text(): Promise<string> {
    return this.response.text().catch(() => {
      throw new UnreachableError();
    });
  }
  async bytes(): Promise<Uint8Array> {
    const buffer = await this.response.arrayBuffer().catch(() => {
      throw new UnreachableError();
    });
    return new Uint8Array(buffer);
  }
}

async function bodyOf(reply: Reply): Promise<unknown> {
  const text = await reply.text();
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreachableError(); // a proxy's page
  }
}

function numberOf(header: string | null): number {
  const value = header === null ? NaN : Number(header);
  if (!Number.isSafeInteger(value) || value < 0) throw new UnreachableError();
  return value;
}

type Code = Problem["code"];

const codeOfStatus: Readonly<Record<number, Code>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  409: "offset-mismatch",
  413: "too-large",
  429: "rate-limited",
  507: "storage-full",
};

async function problemOf(response: Response): Promise<Problem> {
  const { status } = response;
  try {
    const body: unknown = await response.json();
    if (isRecord(body) && typeof body.code === "string") return { ...body, status, code: body.code as Code }; // or one of a newer hub
  } catch {
    // An answer to HEAD, a proxy's page, or a line that broke.
  }
  return { code: codeOfStatus[status] ?? (status >= 500 ? "unavailable" : "internal"), status };
}
