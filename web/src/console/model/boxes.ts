// The four boxes of the inbox. The hub's lists say what is in each; events
// between two lists move single conversations. Pure: every function returns a
// new state and leaves the old one as it was.

import type { Box, Conversation, ConversationId, PersonId } from "../../core/shared/protocol.ts";
import { boxes } from "./route.ts";

export interface BoxState {
  /** How many the hub counts, of which some may not be loaded. */
  readonly total: number;
  /** Cursor of the next page; absent if all are here. */
  readonly next?: string;
  readonly status: "idle" | "loading" | "ready" | "failed";
}

export interface Inbox {
  readonly me: PersonId | undefined;
  readonly byId: ReadonlyMap<ConversationId, Conversation>;
  readonly boxes: Readonly<Record<Box, BoxState>>;
}

export interface Page {
  readonly conversations: readonly Conversation[];
  readonly next?: string;
  readonly total: number;
}

const untouched: BoxState = { total: 0, status: "idle" };

export function emptyInbox(me?: PersonId): Inbox {
  return { me, byId: new Map(), boxes: { waiting: untouched, mine: untouched, team: untouched, closed: untouched } };
}

/** Where a conversation belongs for a person. */
export function boxOf(c: Conversation, me: PersonId | undefined): Box {
  if (c.state === "closed") return "closed";
  if (c.state === "waiting") return "waiting";
  return takesPart(c, me) ? "mine" : "team";
}

/** True if the person is in it, or on the way in. */
export function takesPart(c: Conversation, me: PersonId | undefined): boolean {
  if (me === undefined) return false;
  return c.assignee === me || c.joined || c.joining || c.members.some((m) => m.me);
}

export function setLoading(inbox: Inbox, box: Box): Inbox {
  return withBox(inbox, box, { ...inbox.boxes[box], status: "loading" });
}

export function setFailed(inbox: Inbox, box: Box): Inbox {
  return withBox(inbox, box, { ...inbox.boxes[box], status: "failed" });
}

function withBox(inbox: Inbox, box: Box, state: BoxState): Inbox {
  return { ...inbox, boxes: { ...inbox.boxes, [box]: state } };
}

/**
 * Takes in a page of a box. The first page replaces the box: what the hub no
 * longer lists there is forgotten, unless an event has moved it elsewhere. What
 * an event has said of a conversation since the page was asked for is newer,
 * and stays.
 */
export function applyPage(inbox: Inbox, box: Box, page: Page, first: boolean, newer: (id: ConversationId) => boolean = () => false): Inbox {
  const byId = new Map(inbox.byId);
  if (first) {
    const listed = new Set(page.conversations.map((c) => c.id));
    // A later page's conversations are not listed here and stay until that page comes.
    if (page.next === undefined) {
      for (const [id, c] of byId) if (boxOf(c, inbox.me) === box && !listed.has(id) && !newer(id)) byId.delete(id);
    }
  }
  for (const c of page.conversations) if (!newer(c.id)) byId.set(c.id, c);
  const next = first ? page.next : (page.next ?? undefined);
  const state: BoxState = { total: page.total, status: "ready", ...(next === undefined ? {} : { next }) };
  return withBox({ ...inbox, byId }, box, state);
}

/** Takes in the newest state of one conversation. */
export function applyConversation(inbox: Inbox, c: Conversation): Inbox {
  const before = inbox.byId.get(c.id);
  const byId = new Map(inbox.byId);
  byId.set(c.id, c);
  const from = before && boxOf(before, inbox.me);
  const to = boxOf(c, inbox.me);
  if (from === to) return { ...inbox, byId };
  const counted = { ...inbox.boxes };
  if (from) counted[from] = { ...counted[from], total: Math.max(0, counted[from].total - 1) };
  counted[to] = { ...counted[to], total: counted[to].total + 1 };
  return { ...inbox, byId, boxes: counted };
}

/** True if the event changed which box it is in, so that the lists should be asked for again. */
export function moved(inbox: Inbox, c: Conversation): boolean {
  const before = inbox.byId.get(c.id);
  return !before || boxOf(before, inbox.me) !== boxOf(c, inbox.me);
}

/** A box's conversations: those that wait longest first, else the newest first. */
export function inBox(inbox: Inbox, box: Box): Conversation[] {
  const list: Conversation[] = [];
  for (const c of inbox.byId.values()) if (boxOf(c, inbox.me) === box) list.push(c);
  const key = box === "waiting" ? (c: Conversation) => c.waitingFrom ?? c.createdAt : (c: Conversation) => -c.lastAt;
  return list.sort((a, b) => key(a) - key(b) || (a.id < b.id ? -1 : 1));
}

/** Those whose visible words hold every word of the filter. */
export function filtered(
  list: readonly Conversation[],
  filter: string,
  words: (c: Conversation) => readonly string[],
): readonly Conversation[] {
  const wanted = fold(filter).split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return list;
  return list.filter((c) => {
    const text = fold(words(c).join("\n"));
    return wanted.every((word) => text.includes(word));
  });
}

// Case and accents do not matter to somebody who looks for a name.
function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Unread messages in the chats the person takes part in, for the badge. */
export function unreadTotal(inbox: Inbox): number {
  let sum = 0;
  for (const c of inbox.byId.values()) if (c.joined && c.state !== "closed") sum += c.unread;
  return sum;
}

/** The conversation after or before another in a list; the first if it is not in it. */
export function neighbour(
  list: readonly Conversation[],
  of: ConversationId | undefined,
  step: 1 | -1,
): Conversation | undefined {
  const at = list.findIndex((c) => c.id === of);
  if (at < 0) return step === 1 ? list[0] : list[list.length - 1];
  return list[at + step];
}

export function allBoxes(): readonly Box[] {
  return boxes;
}
