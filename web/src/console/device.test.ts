import { expect, it } from "vitest";

import { hashOf } from "../auditlog/devices.ts";
import { deviceName, isOver } from "./device.ts";

it.each([
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", "Chrome on Windows"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15", "Safari on macOS"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1", "Safari on iOS"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"],
  ["curl/8", "Browser"],
])("names %s", (agent, name) => expect(deviceName(agent)).toBe(name));

it("is over once the server has ended its access, or does not know it, and not in the session that was its own", async () => {
  const key = new Uint8Array([4, 1, 2]);
  const mine = { key: await hashOf(key), current: false };
  const other = { key: await hashOf(new Uint8Array([4, 3])), current: false };
  expect(await isOver(key, [{ ...mine, revoked_at: 5 }, other])).toBe(true);
  expect(await isOver(key, [{ current: false, revoked_at: 5 }, other])).toBe(true); // never certified
  expect(await isOver(key, [other])).toBe(true);
  expect(await isOver(key, [mine, { ...other, revoked_at: 5 }])).toBe(false);
  expect(await isOver(key, [{ current: false }, other])).toBe(false);
  expect(await isOver(key, [{ ...mine, current: true, revoked_at: 5 }])).toBe(false);
});
