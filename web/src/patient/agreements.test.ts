import { expect, test } from "vitest";

import { conversation, FakeCore } from "../../test/fakeCore.ts";
import { practice } from "../../test/practice.ts";
import type { Agreement, ConversationId } from "../core/shared/protocol.ts";
import { due } from "./agreements.ts";
import { noteAgreed } from "./model/agreed.ts";
import { passingMemo } from "./model/memo.ts";
import type { Session } from "./model/session.ts";

const chat = conversation({ id: "c_one" as ConversationId, queue: "q_general", consent: "due" });
const minors = { id: "minors", kind: "minor", version: 1, queues: [], in_addition: true, needed: true } as const;

/** The ids of the forms that are asked for, and whether they have changed, where these were agreed to in the browser, and these receipts are at the hub. */
async function asked(agreed: readonly number[], given: readonly Partial<Agreement>[]): Promise<readonly string[]> {
  const memo = passingMemo();
  for (const version of agreed) noteAgreed(memo, { id: "form", version });
  const agreements = { agreements: given.map((one) => ({ form: "form", version: 3, conversation: chat.id, current: true, ...one }) as Agreement), offered: [] };
  const forms = practice({ forms: [...practice().forms, minors] });
  const world = { slug: "riverside", memo, loadPractice: async () => forms, loadForm: async (_: string, id: string) => ({ ...practice().consent, id }) };
  const inside = { core: new FakeCore({ agreements }), conversation: chat, world, refreshed: () => undefined };
  const { forms: found, changed } = await due({ inside } as unknown as Session);
  return [...found.map(({ id }) => id), ...(changed ? ["changed"] : [])];
}

test("who writes for a minor by the hub's word is asked for the form about minors, and nobody else", async () => {
  expect(await asked([3], [{}])).toEqual(["minors"]); // all others stand
  expect(await asked([3], [])).toEqual(["form", "minors"]); // the hub refused the chat with all others
  expect(await asked([2], [])).toEqual(["form"]); // it has changed meanwhile
  expect(await asked([3], [{ current: false }])).toEqual(["form"]); // it has lapsed
  expect(await asked([3], [{ current: false, version: 2 }])).toEqual(["form", "changed"]);
});

test("a form that this chat had no need of has not changed", async () => {
  expect(await asked([3], [{ form: "of another queue" }])).toEqual(["form"]);
  expect(await asked([2], [{ version: 2, conversation: "c_two" as ConversationId }])).toEqual(["form"]);
});
