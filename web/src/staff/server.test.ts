import { expect, test } from "vitest";

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
