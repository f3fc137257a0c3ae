import { describe, expect, it } from "vitest";

import { Account, Refused } from "./account.ts";

interface Asked {
  method: string;
  path: string;
  body: unknown;
}

function server(reply: (asked: Asked) => Response) {
  const asked: Asked[] = [];
  const account = new Account(async (path, init) => {
    const one = { method: init?.method ?? "", path: String(path), body: init?.body && JSON.parse(String(init.body)) };
    asked.push(one);
    return reply(one);
  });
  return { account, asked };
}

const person = { id: "p_dana", kind: "staff", role: "nurse", name: "Dana Ortiz", online: true };
const session = { practice: "riverside", person, login: "dana", expires_at: 5, idle_at: 4, idle_seconds: 600, locked: false, password_expired: false, has_passkey: true, new_sign_ins: 1, new_devices: 0, emergencies: 0, alerts: 0, approvals: 0, stated_grants: [], reviews: 0, may: ["person.list"] };

const read = { ...session, person: { id: "p_dana", role: "nurse", name: "Dana Ortiz" } };

describe("Account", () => {
  it("knows who is signed in", async () => {
    const { account } = server(() => Response.json(session));
    expect(await account.session()).toEqual(read);
  });

  it("knows that nobody is", async () => {
    const { account } = server(() => Response.json({ code: "unauthenticated" }, { status: 401 }));
    expect(await account.session()).toBeUndefined();
  });

  it("never puts a password or a token into an address", async () => {
    const { account, asked } = server(() => Response.json(session));
    await account.signIn("riverside", "dana", { password: "a long secret word", code: "secret" });
    await account.unlock(read, { password: "a long secret word", code: "secret" });
    await account.strength("a long secret word", "one-time-token");
    await account.inspect("one-time-token");
    for (const one of asked) {
      expect(one.method).toBe("POST");
      expect(one.path).not.toMatch(/secret|token/);
    }
  });

  it.each([
    [401, "unauthenticated"],
    [404, "not-found"],
    [422, "malformed"],
    [429, "rate-limited"],
    [503, "unavailable"],
    [500, "internal"],
  ])("turns a %d into %s and keeps the reference", async (status, refusal) => {
    const { account } = server(() =>
      Response.json({ request_id: "7F3K", title: "x" }, { status, headers: { "Retry-After": "30" } }),
    );
    const error: unknown = await account.signIn("riverside", "dana", { password: "p", code: "c" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Refused);
    expect(error).toMatchObject({ refusal, reference: "7F3K", retryAfter: 30 });
  });

  it("tells a lost line from a refusal", async () => {
    const account = new Account(() => Promise.reject(new TypeError("network")));
    await expect(account.session()).rejects.toMatchObject({ refusal: "offline" });
  });

  it("survives a proxy's page in place of JSON", async () => {
    const { account } = server(() => new Response("<html>", { status: 502 }));
    await expect(account.session()).rejects.toMatchObject({ refusal: "unavailable" });
  });
});
