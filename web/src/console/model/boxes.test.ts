import { describe, expect, it } from "vitest";

import type { Conversation, ConversationId, PersonId } from "../../core/shared/protocol.ts";
import { applyConversation, applyPage, boxOf, emptyInbox, filtered, inBox, moved, neighbour, unreadTotal } from "./boxes.ts";

const me = "p_me" as PersonId;

function chat(id: string, over: Partial<Conversation> = {}): Conversation {
  return {
    id: id as ConversationId,
    state: "waiting",
    queue: "general",
    language: "en",
    patient: "p_pat" as PersonId,
    createdAt: 1000,
    waitingFrom: 1000,
    lastAt: 1000,
    consent: "given",
    joined: false,
    joining: false,
    members: [],
    unread: 0,
    typing: [],
    draft: "",
    ...over,
  };
}

describe("boxOf", () => {
  it.each([
    ["waiting", chat("c_1"), "waiting"],
    ["taken by me", chat("c_1", { state: "open", assignee: me }), "mine"],
    ["taken by another", chat("c_1", { state: "open", assignee: "p_lee" as PersonId }), "team"],
    ["joined by me", chat("c_1", { state: "open", assignee: "p_lee" as PersonId, joined: true }), "mine"],
    ["on my way in", chat("c_1", { state: "open", assignee: "p_lee" as PersonId, joining: true }), "mine"],
    ["closed, though mine", chat("c_1", { state: "closed", assignee: me }), "closed"],
  ])("puts one that is %s", (_, c, box) => {
    expect(boxOf(c, me)).toBe(box);
  });
});

describe("applyPage", () => {
  it("orders those that wait by how long they wait", () => {
    const page = { conversations: [chat("c_b", { waitingFrom: 2 }), chat("c_a", { waitingFrom: 1 })], total: 2 };
    const inbox = applyPage(emptyInbox(me), "waiting", page, true);
    expect(inBox(inbox, "waiting").map((c) => c.id)).toEqual(["c_a", "c_b"]);
  });

  it("forgets what a whole first page no longer lists", () => {
    let inbox = applyPage(emptyInbox(me), "waiting", { conversations: [chat("c_a"), chat("c_b")], total: 2 }, true);
    inbox = applyPage(inbox, "waiting", { conversations: [chat("c_b")], total: 1 }, true);
    expect(inBox(inbox, "waiting").map((c) => c.id)).toEqual(["c_b"]);
  });

  it("keeps the pages after a first page that is not whole", () => {
    let inbox = applyPage(emptyInbox(me), "team", { conversations: [], total: 0 }, true);
    const old = chat("c_old", { state: "open", assignee: "p_lee" as PersonId });
    inbox = applyPage(inbox, "team", { conversations: [old], total: 2 }, false);
    const newer = chat("c_new", { state: "open", assignee: "p_lee" as PersonId, lastAt: 5000 });
    inbox = applyPage(inbox, "team", { conversations: [newer], next: "more", total: 2 }, true);
    expect(inBox(inbox, "team").map((c) => c.id)).toEqual(["c_new", "c_old"]);
  });
});

describe("a page that comes late", () => {
  const taken = chat("c_a", { state: "open", assignee: me });
  it("takes nothing back that was said since it was asked for", () => {
    const before = applyPage(emptyInbox(me), "waiting", { conversations: [chat("c_a")], total: 1 }, true);
    const now = applyConversation(before, taken);
    expect(inBox(applyPage(now, "mine", { conversations: [], total: 0 }, true, (id) => id === taken.id), "mine")).toEqual([taken]);
    expect(inBox(applyPage(now, "waiting", { conversations: [chat("c_a")], total: 1 }, true, (id) => id === taken.id), "waiting")).toEqual([]);
    expect(inBox(applyPage(now, "mine", { conversations: [], total: 0 }, true), "mine")).toEqual([]); // asked for afterwards
  });
});

describe("applyConversation", () => {
  it("moves a taken one and counts it there", () => {
    let inbox = applyPage(emptyInbox(me), "waiting", { conversations: [chat("c_a")], total: 7 }, true);
    const taken = chat("c_a", { state: "open", assignee: "p_lee" as PersonId });
    expect(moved(inbox, taken)).toBe(true);
    inbox = applyConversation(inbox, taken);
    expect(inbox.boxes.waiting.total).toBe(6);
    expect(inbox.boxes.team.total).toBe(1);
    expect(inBox(inbox, "waiting")).toEqual([]);
  });

  it("leaves the counts when it stays", () => {
    let inbox = applyPage(emptyInbox(me), "waiting", { conversations: [chat("c_a")], total: 7 }, true);
    inbox = applyConversation(inbox, chat("c_a", { unread: 3 }));
    expect(inbox.boxes.waiting.total).toBe(7);
  });
});

describe("filtered", () => {
  const list = [chat("c_a"), chat("c_b")];
  const words = (c: Conversation) => (c.id === "c_a" ? ["José Peña", "Refill"] : ["Mary Poe", "Results"]);

  it.each([
    ["", ["c_a", "c_b"]],
    ["pena", ["c_a"]],
    ["MARY res", ["c_b"]],
    ["mary refill", []],
  ])("finds %j", (filter, ids) => {
    expect(filtered(list, filter, words).map((c) => c.id)).toEqual(ids);
  });
});

describe("neighbour", () => {
  const list = [chat("c_a"), chat("c_b")];

  it("steps, and stops at the ends", () => {
    expect(neighbour(list, "c_a" as ConversationId, 1)?.id).toBe("c_b");
    expect(neighbour(list, "c_b" as ConversationId, 1)).toBeUndefined();
    expect(neighbour(list, "c_a" as ConversationId, -1)).toBeUndefined();
    expect(neighbour(list, undefined, 1)?.id).toBe("c_a");
    expect(neighbour(list, "c_gone" as ConversationId, -1)?.id).toBe("c_b");
  });
});

describe("unreadTotal", () => {
  it("counts only what this person can read and is not over", () => {
    let inbox = emptyInbox(me);
    inbox = applyConversation(inbox, chat("c_a", { state: "open", joined: true, unread: 2 }));
    inbox = applyConversation(inbox, chat("c_b", { state: "open", unread: 5 }));
    inbox = applyConversation(inbox, chat("c_c", { state: "closed", joined: true, unread: 5 }));
    expect(unreadTotal(inbox)).toBe(2);
  });

  it("stays quick with many", () => {
    let inbox = emptyInbox(me);
    const many = Array.from({ length: 500 }, (_, i) => chat(`c_${i}`, { waitingFrom: i }));
    inbox = applyPage(inbox, "waiting", { conversations: many, total: 500 }, true);
    expect(inBox(inbox, "waiting")).toHaveLength(500);
  });
});
