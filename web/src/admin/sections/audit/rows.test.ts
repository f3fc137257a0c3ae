import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import type * as api from "../../../api/schema.ts";
import type { Admin } from "../../admin.svelte.ts";
import { asked, pathOf, Rows } from "./rows.svelte.ts";

test("the address is the call: days are whole, and nothing else is passed on", () => {
  const path = new URL(pathOf(new URLSearchParams("patient=p_ana&from=2026-11-01&until=2026-11-02&made=up&kind=")), "http://x");
  expect([...path.searchParams.keys()].sort()).toEqual(["from", "limit", "patient", "until"]);
  expect(Number(path.searchParams.get("until")) - Number(path.searchParams.get("from"))).toBeGreaterThan(46 * 3_600_000);
  expect(pathOf(new URLSearchParams("from=yesterday"))).toBe("/v1/admin/audit/events?limit=50");
});

test("all that the API can be asked for is a part of the address", () => {
  const { paths } = JSON.parse(readFileSync(new URL("../../../../../api/openapi.json", import.meta.url), "utf8")) as { paths: Record<string, { get: { parameters: { name: string; in: string }[] } }> };
  const offered = paths["/v1/admin/audit/events"]?.get.parameters.filter((each) => each.in === "query").map(({ name }) => name);
  expect(offered?.toSorted()).toEqual([...asked, "from", "until", "cursor", "limit"].sort());
});

test("every act can be chosen, in groups, in the reader's words; a category leaves its own and the chosen one", async () => {
  const kinds: api.AuditKind[] = [
    { kind: "sign-in.done", category: "security", says: "signed in" },
    { kind: "sign-in.refused", category: "security", says: "could not sign in" },
    { kind: "file.downloaded", category: "access", says: "downloaded a file" },
    { kind: "made.up", category: "system", says: "did what no other language has a word for" },
  ];
  const rows = new Rows({ get: (path: string) => Promise.resolve(path === "/v1/audit/kinds" ? { kinds } : { events: [] }) } as unknown as Admin);
  expect(rows.choices("", "")).toEqual([]);
  await rows.show(new URLSearchParams());
  const values = (category: string, chosen: string): readonly string[] => rows.choices(category, chosen).flatMap(({ options }) => options.map(({ value }) => value));
  expect(values("", "")).toEqual(["sign-in.refused", "sign-in.done", "file.downloaded", "made.up"]);
  expect(values("access", "")).toEqual(["file.downloaded"]);
  expect(values("access", "sign-in.done")).toEqual(["sign-in.done", "file.downloaded"]);
  await rows.speak("es");
  const spoken = rows.choices("", "").flatMap(({ options }) => options);
  expect(spoken.find(({ value }) => value === "sign-in.done")).toEqual({ value: "sign-in.done", label: "inició sesión" });
  expect(spoken.find(({ value }) => value === "made.up")).toMatchObject({ lang: "en" });
});

test("where a call looked at entries of which none was asked for, the next looks on", async () => {
  const asked: string[] = [];
  const event = { number: 7 } as api.AuditEvent;
  const pages: Record<string, api.AuditPage> = { "": { events: [], next: "3.9", matching: { count: 1, more: true } }, "3.9": { events: [], next: "2.8" }, "2.8": { events: [event] } };
  const rows = new Rows({
    get: (path: string) => {
      if (path === "/v1/audit/kinds") return Promise.resolve({ kinds: [] });
      const cursor = new URL(path, "http://x").searchParams.get("cursor") ?? "";
      asked.push(cursor);
      return Promise.resolve(pages[cursor]);
    },
  } as unknown as Admin);
  await rows.show(new URLSearchParams("object=d_keeper&kind=made.up"));
  expect(asked).toEqual(["", "3.9", "2.8"]);
  expect(rows.value).toEqual([event]);
  expect(rows.next).toBe("");
  expect(rows.matching).toEqual({ count: 1, more: true });
});

test("what is chosen goes when other rows are asked for", async () => {
  const rows = new Rows({ get: () => Promise.resolve({ kinds: [], events: [] }) } as unknown as Admin);
  await rows.show(new URLSearchParams());
  rows.choice.toggle("12");
  await rows.show(new URLSearchParams());
  expect(rows.choice.has("12")).toBe(true);
  await rows.show(new URLSearchParams("outcome=refused"));
  expect(rows.choice.has("12")).toBe(false);
});
