// The page's half of the conversation with the worker, apart from how a worker
// is made: it gives every call an end, also when the worker dies.

import { CoreError } from "../shared/failure.ts";
import type { Core, CoreEvent, Failure, StartOptions, Started } from "../shared/protocol.ts";
import { isFromWorker, isRepeatable, methodNames, type Call, type Method, type ToWorker } from "../shared/wire.ts";

/** What a page needs of a worker. */
export interface WorkerPort {
  postMessage(message: ToWorker): void;
  terminate(): void;
  onmessage: ((event: MessageEvent) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
}

/** A worker that says nothing for this many ticks with a call open is dead. */
const silentTicks = 6;
const tickMs = 5000;

interface Pending {
  readonly call: Call;
  resolve(value: unknown): void;
  reject(error: CoreError): void;
}

export class Connection {
  private readonly make: () => WorkerPort;
  private port: WorkerPort | undefined;
  private started: StartOptions | undefined;
  private restarted = false;
  private dead: Failure | undefined;
  private nextId = 1;
  private silent = 0;
  private timer: ReturnType<typeof setInterval> | undefined;
  private readonly pending = new Map<number, Pending>();
  private readonly listeners = new Set<(event: CoreEvent) => void>();

  /** Makes the worker at once: the core compiles while the person reads. */
  constructor(make: () => WorkerPort) {
    this.make = make;
    this.spawn();
  }

  /** Tells the worker that the network came back, or went. */
  network(online: boolean): void {
    this.post({ t: "network", online });
  }

  subscribe(listener: (event: CoreEvent) => void): void {
    this.listeners.add(listener);
    if (this.dead) listener({ kind: "failed", failure: this.dead });
  }

  call(method: Method, args: readonly unknown[]): Promise<unknown> {
    if (this.dead) return Promise.reject(new CoreError(this.dead));
    if (method === "start") this.started = args[0] as StartOptions;
    return new Promise((resolve, reject) => {
      const call: Call = { t: "call", id: this.nextId++, method, args };
      this.pending.set(call.id, { call, resolve, reject });
      this.post(call);
      this.watch();
    });
  }

  private spawn(): void {
    try {
      const port = this.make();
      this.port = port;
      port.onmessage = (event) => this.port === port && this.receive(event.data);
      port.onerror = (event) => {
        event.preventDefault?.();
        if (this.port === port) this.lost();
      };
      port.onmessageerror = () => this.port === port && this.lost();
    } catch {
      this.fail();
    }
  }

  private post(message: ToWorker): void {
    try {
      this.port?.postMessage(message);
    } catch {
      // Not cloneable: the page's mistake, and no reason to stop the worker.
      if (message.t === "call") this.settle(message.id)?.reject(new CoreError("internal"));
    }
  }

  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (this.pending.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    }
    return pending;
  }

  private receive(message: unknown): void {
    this.silent = 0;
    if (!isFromWorker(message)) return;
    switch (message.t) {
      case "done":
        this.settle(message.id)?.resolve(message.value);
        break;
      case "fail":
        this.settle(message.id)?.reject(new CoreError(message.failure));
        break;
      case "event":
        this.emit(message.event);
        break;
      case "dead":
        this.lost();
        break;
      case "alive":
        break;
    }
  }

  private emit(event: CoreEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  // Only ticks in a row count: a page that slept must not blame the worker.
  private watch(): void {
    this.timer ??= setInterval(() => {
      this.silent++;
      if (this.silent > silentTicks) this.lost();
      else this.post({ t: "ping" });
    }, tickMs);
  }

  // The first death is mended by a new worker, which finds all that was kept.
  private lost(): void {
    this.silent = 0;
    this.port?.terminate();
    this.port = undefined;
    if (this.restarted || this.dead) {
      this.fail();
      return;
    }
    this.restarted = true;
    const again = [...this.pending.values()];
    this.spawn();
    if (this.started && !again.some((p) => p.call.method === "start")) {
      this.call("start", [this.started]).then(
        (value) => {
          for (const conversation of (value as Started).conversations) this.emit({ kind: "conversation", conversation });
        },
        () => this.fail(),
      );
    }
    for (const { call } of again) {
      if (isRepeatable(call.method)) this.post(call);
      else this.settle(call.id)?.reject(new CoreError("internal"));
    }
  }

  private fail(): void {
    if (this.dead) return;
    this.dead = "internal";
    this.port?.terminate();
    this.port = undefined;
    for (const id of [...this.pending.keys()]) this.settle(id)?.reject(new CoreError("internal"));
    this.emit({ kind: "failed", failure: "internal" });
  }
}

/** The typed handle over a connection. */
export function coreOver(connection: Connection): Core {
  const calls = methodNames.map((method) => [method, (...args: unknown[]) => connection.call(method, args)]);
  return {
    ...Object.fromEntries(calls),
    subscribe: (listener: (event: CoreEvent) => void) => Promise.resolve(connection.subscribe(listener)),
  } as Core;
}
