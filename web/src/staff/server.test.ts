import { expect, test } from "vitest";

import { refusalWords } from "./refusals.ts";
import { Refused } from "./refused.ts";
import { Server } from "./server.ts";

function answering(body: BodyInit | ReadableStream<Uint8Array>, status = 200): Server {
  return new Server(() => Promise.resolve(new Response(body, { status, headers: { "Content-Type": "text/csv", "Sotto-Events-At-Most": "3" } })));
}

test("a file comes whole, part by part", async () => {
  const parts: number[] = [];
  const file = await answering("a,b\r\n").file("GET", "/x", (part, headers) => parts.push(part.length, Number(headers.get("Sotto-Events-At-Most"))));
  expect(await file.text()).toBe("a,b\r\n");
  expect(parts).toEqual([5, 3]);
});

test("a file that breaks off is none", async () => {
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array([97])),
    pull: (controller) => controller.error(new TypeError("network error")),
  });
  await expect(answering(broken).file("GET", "/x")).rejects.toEqual(new Refused("offline"));
});

test("who stops a file is not told of a fault", async () => {
  const stop = new AbortController();
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (stop.signal.aborted) controller.error(new DOMException("stopped", "AbortError"));
      else controller.enqueue(new Uint8Array([97]));
    },
  });
  await expect(answering(endless).file("GET", "/x", () => stop.abort(), stop.signal)).rejects.toEqual(new Refused("cancelled"));
});

test("a refusal is no file", async () => {
  await expect(answering(JSON.stringify({ code: "forbidden" }), 403).file("GET", "/x")).rejects.toEqual(new Refused("forbidden"));
});

test("what got no answer is asked for again under its key, and what got one is not", async () => {
  const keys: (string | null)[] = [];
  const answers = ["gone", 503, 200, 200, 409, 200, 200];
  const server = new Server((_, init) => {
    keys.push(new Headers(init?.headers).get("Idempotency-Key"));
    const status = answers[keys.length - 1];
    return typeof status === "number" ? Promise.resolve(new Response("{}", { status })) : Promise.reject(new TypeError("network"));
  });
  const make = (name: string) => server.make("/x", { name }).catch((error: unknown) => (error as Refused).refusal);
  expect(await make("a")).toBe("offline");
  expect(await make("a")).toBe("unavailable");
  await make("a");
  for (let i = 0; i < 3; i++) await make("a");
  expect(keys[0]).toMatch(/^[!-~]{1,64}$/);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
  expect(new Set(keys.slice(2)).size).toBe(4);
  await server.call("POST", "/x", {});
  expect(keys.at(-1)).toBeNull();
});

test("a refusal that says nothing of the making, and an answer that breaks off, keep the key", async () => {
  const keys: (string | null)[] = [];
  const answers = [() => new Response('{"made', { status: 200 }), () => new Response('{"code":"locked"}', { status: 401 }), () => new Response("{}", { status: 429 }), () => new Response("{}"), () => new Response("{}")];
  const server = new Server((_, init) => {
    keys.push(new Headers(init?.headers).get("Idempotency-Key"));
    return Promise.resolve(answers[keys.length - 1]?.() ?? Response.error());
  });
  const make = () => server.make("/x").catch((error: unknown) => (error as Refused).refusal);
  expect(await make()).toBe("offline");
  expect(await make()).toBe("locked");
  expect(await make()).toBe("rate-limited");
  await make();
  await make();
  expect(new Set(keys.slice(0, 4)).size).toBe(1);
  expect(keys[4]).not.toBe(keys[0]);
});

test("what was made already is said to be done, and is no conflict; who asks then means another", async () => {
  const keys: (string | null)[] = [];
  const server = new Server((_, init) => {
    keys.push(new Headers(init?.headers).get("Idempotency-Key"));
    return Promise.resolve(keys.length === 1 ? new Response('{"code":"made-already"}', { status: 409 }) : new Response("{}"));
  });
  const refused: unknown = await server.make("/x").catch((error: unknown) => error);
  expect(refused).toEqual(new Refused("made-already"));
  expect(refusalWords("made-already")).toBe("console.refusal.madeAlready");
  await server.make("/x");
  expect(keys[1]).not.toBe(keys[0]);
});
