// The golden examples of the API, which Go's tests read too
// (internal/httpapi/golden_test.go). The compiler checks that each is of the
// type generated for it; the tests give them to the readers of answers.

import { afterEach, describe, expect, it, vi } from "vitest";

import golden from "../../../api/testdata/golden.json";
import { Account, Refused } from "../staff/account.ts";
import { HubError } from "../core/shared/hub.ts";
import { Http } from "../core/worker/http.ts";
import { parsePractice } from "../patient/model/practice.ts";
import type { components } from "./schema.ts";

/** T as an imported file can have it: texts are not known to be of a set, and every field is there. */
type Example<T> = T extends string
  ? string
  : T extends number | boolean
    ? T
    : T extends readonly (infer Each)[]
      ? readonly Example<Each>[]
      : { readonly [Field in keyof T]-?: Example<NonNullable<T[Field]>> };

const examples = golden satisfies { readonly [Name in keyof components["schemas"]]: Example<components["schemas"][Name]> };

const account = (answer: unknown, status = 200): Account => new Account(() => Promise.resolve(Response.json(answer, { status })));

/** Every field of what was read is the example's, under the same name. */
function within(read: object, example: object): void {
  expect(example).toMatchObject(read);
  expect(JSON.stringify(read)).not.toBe("{}");
}

describe("golden examples", () => {
  it("are read by the console", async () => {
    const session = await account(examples.StaffSession).signIn("", "", { password: "", code: "" });
    within(session, examples.StaffSession);
    expect(session.expires_at).toBeGreaterThan(0);
    within(await account(examples.Practice).practice("riverside"), examples.Practice);
    within(await account(examples.Invitation).inspect(""), examples.Invitation);
    within(await account(examples.PasswordStrength).strength(""), examples.PasswordStrength);
    const refused: unknown = await account(examples.Problem, 403).signIn("", "", { password: "", code: "" }).catch((e: unknown) => e);
    expect(refused).toBeInstanceOf(Refused);
    expect(refused).toMatchObject({ reference: examples.Problem.request_id });
  });

  it("are read by the patient's page", () => {
    const practice = parsePractice(examples.Practice);
    within(practice, examples.Practice);
    expect(practice.consent.texts.en?.points).toEqual(examples.ConsentText.points);
  });

  it.each(["slug", "name", "consent", "queues", "languages", "wait_minutes"] as const)("no practice is read without %s", (field) => {
    expect(() => parsePractice({ ...examples.Practice, [field]: undefined })).toThrow(TypeError);
  });

  describe("by the worker", () => {
    afterEach(() => vi.unstubAllGlobals());

    it("are read as events and as problems", async () => {
      const http = new Http("");
      vi.stubGlobal("fetch", () => Promise.resolve(Response.json(examples.EventPage)));
      expect(await http.poll("", new AbortController().signal)).toEqual(examples.EventPage);
      vi.stubGlobal("fetch", () => Promise.resolve(Response.json(examples.Problem, { status: 409 })));
      const error: unknown = await http.json("GET", "/", null).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(HubError);
      expect((error as HubError).problem).toEqual({ ...examples.Problem, status: 409 });
    });
  });
});
