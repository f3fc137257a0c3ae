import { expect, test } from "vitest";

import { canAct, readOwn, reaches, standing } from "./identity.ts";

test("T29: a level that has lapsed does not count", () => {
  const matched = { level: "matched", until: 1000 } as const;
  expect(standing(matched, 999)).toBe("matched");
  expect(standing(matched, 1000)).toBe("guest");
  expect(standing(undefined, 0)).toBe("guest");
});

test("levels reach those below", () => {
  expect(reaches("matched", "contact")).toBe(true);
  expect(reaches("contact", "matched")).toBe(false);
  expect(reaches(undefined, "guest")).toBe(true);
});

test("takes what the hub says, and nothing that it should not", () => {
  const own = readOwn({ verification: { level: "contact", until: 9 }, lapsed: true, steps: { channels: ["sms", "fax"], facts: ["postcode", "ssn"], pin: true }, person: "p_1", passkeys: [{ id: "f_1", name: "phone", created_at: 7 }, { id: 3 }, null], portal_waits: "soon" });
  expect(own).toEqual({ level: "contact", until: 9, lapsed: true, spent: false, asked: false, channels: ["sms"], kinds: ["pin", "postcode"], person: "p_1", passkeys: [{ id: "f_1", name: "phone", created: 7 }], portal: "", waits: false });
  expect(canAct(readOwn({ steps: { portal: "MyRiverside" } }))).toBe(true);
  expect(canAct(readOwn(null))).toBe(false);
  expect(readOwn({ verification: { level: "root" } }).level).toBe("guest");
});
