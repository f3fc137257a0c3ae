import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { CoreError } from "../shared/failure.ts";
import type { CoreEvent, StartOptions, Started } from "../shared/protocol.ts";
import type { Call, FromWorker, ToWorker } from "../shared/wire.ts";
import { Connection, coreOver, type WorkerPort } from "./connection.ts";

// The other end of a connection, played by the test.
class Port implements WorkerPort {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  onmessageerror: ((event: MessageEvent) => void) | null = null;
  terminated = false;
  readonly got: ToWorker[] = [];
  postMessage(message: ToWorker): void {
    this.got.push(structuredClone(message));
  }
  terminate(): void {
    this.terminated = true;
  }
  say(message: FromWorker | object): void {
    this.onmessage?.({ data: message } as MessageEvent);
  }
  die(): void {
    this.onerror?.({ preventDefault: () => undefined } as ErrorEvent);
  }
  calls(): Call[] {
    return this.got.filter((m): m is Call => m.t === "call");
  }
  call(method: string): Call {
    const found = this.calls().find((c) => c.method === method);
    if (!found) throw new Error(`no call of ${method}`);
    return found;
  }
}

const options: StartOptions = { surface: "patient", practice: "p", memoryOnly: false, deviceName: "d" };
const started: Started = { keeping: "saved", conversations: [], coreStartMs: 1 };
const id = "c_1" as never;
const name = "0123456789abcdef0123456789abcdef" as never;

let ports: Port[];
let events: CoreEvent[];
let core: ReturnType<typeof coreOver>;

function port(n: number): Port {
  const found = ports[n];
  if (!found) throw new Error(`no worker ${n}`);
  return found;
}

beforeEach(async () => {
  vi.useFakeTimers();
  ports = [];
  events = [];
  const connection = new Connection(() => {
    const made = new Port();
    ports.push(made);
    return made;
  });
  core = coreOver(connection);
  await core.subscribe((event) => events.push(event));
});

afterEach(() => vi.useRealTimers());

async function begin(): Promise<void> {
  const starting = core.start(options);
  port(0).say({ t: "done", id: port(0).call("start").id, value: started });
  await starting;
}

test("a call gets its own answer", async () => {
  const one = core.safetyCode(id, "p_1" as never);
  const two = core.safetyCode(id, "p_2" as never);
  const [first, second] = port(0).calls();
  port(0).say({ t: "done", id: second?.id ?? 0, value: "2" });
  port(0).say({ t: "done", id: first?.id ?? 0, value: "1" });
  expect(await one).toBe("1");
  expect(await two).toBe("2");
});

test("a refusal carries a kind and nothing else", async () => {
  const sending = core.sendText(id, "hello", name);
  port(0).say({ t: "fail", id: port(0).call("sendText").id, failure: "closed" });
  const error = await sending.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CoreError);
  expect((error as CoreError).failure).toBe("closed");
  expect((error as CoreError).message).not.toContain("hello");
});

test("messages of a wrong shape are passed over", async () => {
  const sending = core.sendText(id, "hello", name);
  const call = port(0).call("sendText");
  port(0).say({ t: "fail", id: call.id, failure: "what the patient said" });
  port(0).say({ t: "event", event: { kind: "unknown" } });
  port(0).say({ t: "done", id: 999, value: 1 });
  port(0).say({ t: "done", id: call.id, value: "m_1" });
  expect(await sending).toBe("m_1");
  expect(events).toEqual([]);
});

test("the first death is mended: reads and what has a name are asked again, other writes are refused", async () => {
  await begin();
  const showing = core.identify("code", {}).catch((e: CoreError) => e.failure);
  const sending = core.sendText(id, "hello", name);
  const reading = core.lines(id);
  port(0).die();
  expect(port(0).terminated).toBe(true);
  expect(await showing).toBe("internal");
  expect(port(1).calls().map((c) => c.method)).toEqual(["start", "sendText", "lines"]);
  expect(port(1).call("sendText").args).toEqual([id, "hello", name]);
  port(1).say({ t: "done", id: port(1).call("start").id, value: { ...started, conversations: [{ id: "c_1" }] } });
  port(1).say({ t: "done", id: port(1).call("lines").id, value: [] });
  port(1).say({ t: "done", id: port(1).call("sendText").id, value: "m_1" });
  expect(await sending).toBe("m_1");
  expect(await reading).toEqual([]);
  await vi.runAllTicks();
  expect(events).toContainEqual({ kind: "conversation", conversation: { id: "c_1" } });
  expect(events).not.toContainEqual(expect.objectContaining({ kind: "failed" }));
});

test("what a dead worker says late is not heard", async () => {
  const reading = core.lines(id);
  const call = port(0).call("lines");
  port(0).die();
  port(0).say({ t: "done", id: call.id, value: "old" });
  port(1).say({ t: "done", id: call.id, value: "new" });
  expect(await reading).toBe("new");
});

test("after the second death every call settles and the page is told once", async () => {
  await begin();
  port(0).say({ t: "dead" });
  const reading = core.lines(id).catch((e: CoreError) => e.failure);
  port(1).die();
  expect(await reading).toBe("internal");
  expect(await core.list("mine").catch((e: CoreError) => e.failure)).toBe("internal");
  expect(events.filter((e) => e.kind === "failed")).toHaveLength(1);
  expect(ports).toHaveLength(2);
});

test("a silent worker is given up, one that answers is not", async () => {
  const reading = core.lines(id);
  for (let i = 0; i < 40; i++) {
    await vi.advanceTimersByTimeAsync(5000);
    port(0).say({ t: "alive" });
  }
  expect(ports).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(ports).toHaveLength(2);
  port(1).say({ t: "done", id: port(1).call("lines").id, value: [] });
  expect(await reading).toEqual([]);
});

test("nobody is watched while nothing is asked", async () => {
  await begin();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(ports).toHaveLength(1);
  expect(port(0).got.filter((m) => m.t === "ping")).toEqual([]);
});

test("a worker that cannot be made fails the calls", async () => {
  const broken = coreOver(
    new Connection(() => {
      throw new Error("blocked");
    }),
  );
  expect(await broken.start(options).catch((e: CoreError) => e.failure)).toBe("internal");
  const heard: CoreEvent[] = [];
  await broken.subscribe((event) => heard.push(event));
  expect(heard).toEqual([{ kind: "failed", failure: "internal" }]);
});
