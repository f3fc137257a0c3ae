import { expect, test } from "vitest";

import { isCall, maxTextLength } from "./check.ts";

const call = (method: string, ...args: unknown[]): unknown => ({ t: "call", id: 1, method, args });
const options = { surface: "patient", practice: "riverside", memoryOnly: false, deviceName: "Chrome" };
const name = "0123456789abcdef0123456789abcdef";
const info = { name: "a.png", mediaType: "image/png", size: 3 };

test.each([
  ["start", call("start", options)],
  ["start with a pinned authority", call("start", { ...options, authority: "AAAA" })],
  ["start of a person", call("start", { ...options, surface: "staff", person: "p_1" })],
  ["sendText", call("sendText", "c_1", "hello", name)],
  ["sendFile", call("sendFile", "c_1", new Blob(["abc"]), info, name)],
  ["a text without a name, of an older page", call("sendText", "c_1", "hello")],
  ["lines, newest", call("lines", "c_1")],
  ["lines before", call("lines", "c_1", 7, 50)],
  ["list", call("list", "waiting")],
  ["sightings, newest", call("sightings")],
  ["sightings before", call("sightings", "17.3")],
  ["devices", call("devices", "")],
  ["a proof", call("devices", "log/proof", "number=12&size=13")],
  ["the rest of a log", call("devices", "log", "limit=200&cursor=v1.a-b_c%3D")],
  ["an act", call("act", "c_1", "take")],
  ["an act with its reason", call("act", "c_1", "join", "coaching")],
  ["forget", call("forget")],
])("takes %s", (_, message) => {
  expect(isCall(message)).toBe(true);
});

test.each([
  ["nothing", undefined],
  ["text", "call"],
  ["no id", { t: "call", method: "forget", args: [] }],
  ["no arguments", { t: "call", id: 1, method: "forget" }],
  ["an unknown method", call("exportKeys")],
  ["a method of every object", call("toString")],
  ["a prototype", call("__proto__")],
  ["an unknown surface", call("start", { ...options, surface: "admin" })],
  ["a practice that is no text", call("start", { ...options, practice: {} })],
  ["a person that is no text", call("start", { ...options, person: {} })],
  ["too few arguments", call("sendText", "c_1")],
  ["a name of another shape", call("sendText", "c_1", "hello", "once")],
  ["too many", call("retry", "m_1", "m_2")],
  ["text past the limit", call("sendText", "c_1", "x".repeat(maxTextLength + 1), name)],
  ["a file that is none", call("sendFile", "c_1", "abc", info, name)],
  ["a negative size", call("sendFile", "c_1", new Blob([]), { ...info, size: -1 }, name)],
  ["a position that is no number", call("markRead", "c_1", "7")],
  ["a cursor that is no text", call("sightings", 17)],
  ["another call about devices", call("devices", "../staff/devices")],
  ["more than a query", call("devices", "log", "limit=1#/../..")],
  ["an unknown act", call("act", "c_1", "delete")],
  ["a reason in words", call("act", "c_1", "join", "I want to see it")],
])("refuses %s", (_, message) => {
  expect(isCall(message)).toBe(false);
});
