// One push connection to the hub: a WebSocket, or long polling where that
// cannot be had. It promises little: events may be lost and doubled, and when
// it ends the core waits and asks for the next. After every "ready" the core
// fetches what it lacks, so the log of frames is the truth.

import { HubError, type EventPage, type HubEvent } from "../shared/hub.ts";
import { isRecord } from "../shared/wire.ts";

export interface EventTransport {
  /** ws(s)://…/v1/events */
  readonly url: string;
  /** The present bearer token. */
  token(): string;
  /** GET /v1/events/poll; the cursor is absent at first. */
  poll(cursor: string | undefined, signal: AbortSignal): Promise<EventPage>;
}

const readyWithinMs = 10_000; // from opening to "ready"
const quietMs = 25_000; // then ask whether anybody is there
const answerWithinMs = 10_000;
const failuresBeforePolling = 2;
const shortestPollingMs = 30_000; // then see whether sockets work again
const longestPollingMs = 5 * 60_000;

/** How a connection ended. A refusal of the hub is thrown instead. */
export type End = "closed" | "unreachable";

export class Events {
  private readonly transport: EventTransport;
  /** Sockets in a row that never became ready, though the hub answers. */
  private unopened = 0;
  private pollingMs = shortestPollingMs;

  private offline = navigator.onLine === false;

  constructor(transport: EventTransport) {
    this.transport = transport;
    addEventListener("online", () => (this.offline = false));
    addEventListener("offline", () => (this.offline = true));
  }

  /** Connects, and hands on events, until the connection ends or is stopped. */
  async follow(onEvent: (event: HubEvent) => void, stop: AbortSignal): Promise<End> {
    if (stop.aborted || this.offline) return "unreachable";
    if (this.unopened >= failuresBeforePolling) {
      const end = await this.byPolling(onEvent, stop);
      if (end === "closed") {
        this.unopened = failuresBeforePolling - 1; // one try by socket, then back
        this.pollingMs = Math.min(longestPollingMs, this.pollingMs * 2);
      }
      return end;
    }
    const end = await this.bySocket(onEvent, stop);
    if (end === "closed") {
      this.unopened = 0;
      this.pollingMs = shortestPollingMs;
    } else if (!stop.aborted) {
      this.unopened++;
    }
    return end;
  }

  private bySocket(onEvent: (event: HubEvent) => void, stop: AbortSignal): Promise<End> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.transport.url);
      let ready = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const within = (ms: number, then: () => void): void => {
        clearTimeout(timer);
        timer = setTimeout(then, ms);
      };
      const release = (): void => {
        clearTimeout(timer);
        stop.removeEventListener("abort", finish);
        removeEventListener("offline", finish);
        removeEventListener("online", probe);
        socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
        socket.close();
      };
      const finish = (): void => {
        release();
        resolve(ready ? "closed" : "unreachable");
      };
      const probe = (): void => {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send('{"type":"ping"}');
        within(answerWithinMs, finish);
      };
      stop.addEventListener("abort", finish);
      addEventListener("offline", finish);
      addEventListener("online", probe); // the network changed under us
      within(readyWithinMs, finish);
      socket.onopen = () => socket.send(JSON.stringify({ type: "hello", token: this.transport.token() }));
      socket.onclose = socket.onerror = finish;
      socket.onmessage = ({ data }) => {
        const event = eventOf(data);
        if (!event) return;
        if (event.type === "ready") ready = true;
        if (ready) within(quietMs, probe);
        if (event.type !== "pong") onEvent(event);
        if (event.type === "ended") {
          release();
          reject(new HubError({ code: "unauthenticated", status: 401 }));
        }
      };
    });
  }

  private async byPolling(onEvent: (event: HubEvent) => void, stop: AbortSignal): Promise<End> {
    const until = Date.now() + this.pollingMs;
    const ended = new AbortController();
    const end = (): void => ended.abort();
    stop.addEventListener("abort", end);
    addEventListener("offline", end);
    let cursor: string | undefined;
    try {
      while (Date.now() < until && !ended.signal.aborted) {
        const page = await this.transport.poll(cursor, ended.signal);
        // A first page, or one after a gap, is a new beginning.
        const begins = cursor === undefined || page.reset;
        if (begins && page.events[0]?.type !== "ready") onEvent({ type: "ready" });
        cursor = page.cursor;
        for (const event of page.events) {
          onEvent(event);
          if (event.type === "ended") throw new HubError({ code: "unauthenticated", status: 401 });
        }
      }
      return "closed";
    } catch (error) {
      if (error instanceof HubError) throw error;
      return cursor === undefined ? "unreachable" : "closed";
    } finally {
      stop.removeEventListener("abort", end);
      removeEventListener("offline", end);
    }
  }
}

function eventOf(data: unknown): HubEvent | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const value: unknown = JSON.parse(data);
    return isRecord(value) && typeof value.type === "string" ? (value as HubEvent) : undefined;
  } catch {
    return undefined;
  }
}
