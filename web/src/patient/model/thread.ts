// The lines of the chat on the screen: those the core knows, and those typed a
// moment ago that it does not know yet. No line shows twice, whichever of a
// call's answer and its event comes first.

import type { Body, ConversationId, Failure, Line, Message, MessageId, PersonId, SendState } from "../../core/shared/protocol.ts";
import type { UnkeptMessage } from "./unkept.ts";
import { conversationOf, keyOf, mergeLines, positionOf } from "../../ui/log.ts";

/** A message that only this page knows. Its id is never given to the core; its name is. */
export interface Typed extends UnkeptMessage {
  readonly id: MessageId;
}

const nobody = "" as PersonId;

function sameBody(a: Body, b: Body): boolean {
  if (a.kind === "text" && b.kind === "text") return a.text === b.text;
  if (a.kind === "file" && b.kind === "file") return a.file.name === b.file.name && a.file.size === b.file.size;
  return false;
}

/** The position before the first of what was not read; undefined if all was, or if it is not here. */
export function readBefore(lines: readonly Line[], unread: number): number | undefined {
  const theirs = lines.flatMap((line) => (line.type === "message" && !line.message.mine ? (line.message.position ?? []) : []));
  const first = theirs[theirs.length - unread];
  return unread > 0 && first !== undefined ? first - 1 : undefined;
}

export class Thread {
  private list: readonly Line[] = [];
  private readonly typed = new Map<MessageId, Typed>();
  private readonly known = new Set<string>();

  get lines(): readonly Line[] {
    return this.list;
  }

  /** The newest position there is a line for. */
  get newest(): number {
    return this.list.reduce((max, line) => Math.max(max, positionOf(line) ?? 0), 0);
  }

  /** The oldest position there is a line for; undefined if there is none. */
  get oldest(): number | undefined {
    return this.list.map(positionOf).find((position) => position !== undefined);
  }

  has(id: string): boolean {
    return this.list.some((line) => keyOf(line) === id);
  }

  /** Shows what was typed, before anybody else knows of it. It says that it is being sent once it is kept. */
  type(typed: Typed, kept: boolean): void {
    const { id, at, body } = typed;
    this.typed.set(id, typed);
    const message: Message = { id, conversation: "" as ConversationId, from: nobody, mine: true, at, body, ...(kept ? { state: { kind: "sending" } } : {}) };
    this.list = mergeLines(this.list, [{ type: "message", message }]);
  }

  hasFailed(id: MessageId): boolean {
    return this.list.some((line) => line.type === "message" && line.message.id === id && line.message.state?.kind === "failed");
  }

  typedBy(id: MessageId): Typed | undefined {
    return this.typed.get(id);
  }

  /** The core keeps the typed message under this id from now on. */
  settle(typedId: MessageId, id: MessageId): void {
    if (!this.typed.delete(typedId)) return; // its event came first
    const line = this.list.find((each) => keyOf(each) === typedId);
    this.drop(typedId);
    if (line?.type !== "message" || this.known.has(id)) return;
    this.known.add(id);
    this.list = mergeLines(this.list, [{ type: "message", message: { ...line.message, id } }]);
  }

  /** The core did not take it. It stays on the screen, with a way to try again. */
  refuse(typedId: MessageId, failure: Failure): void {
    this.say(typedId, { kind: "failed", failure });
  }

  /** It outlives the page from now on, or is tried again. */
  sending(typedId: MessageId): void {
    this.say(typedId, { kind: "sending" });
  }

  private say(typedId: MessageId, state: SendState): void {
    this.list = this.list.map((line) => (line.type === "message" && line.message.id === typedId ? { type: "message", message: { ...line.message, state } } : line));
  }

  /** Takes lines from the core. */
  merge(lines: readonly Line[]): void {
    for (const line of lines) {
      const key = keyOf(line);
      if (line.type === "message" && line.message.mine && !this.known.has(key)) this.replaceTyped(line.message);
      this.known.add(key);
    }
    this.list = mergeLines(this.list, lines);
  }

  drop(id: string): void {
    this.typed.delete(id as MessageId);
    this.list = this.list.filter((line) => keyOf(line) !== id);
  }

  clear(): void {
    this.list = [];
    this.typed.clear();
    this.known.clear();
  }

  belongs(line: Line, conversation: ConversationId | undefined): boolean {
    return conversation !== undefined && conversationOf(line) === conversation;
  }

  // An event for a message whose call has not answered yet: the first typed
  // one with the same content is it. One that was refused is not under way.
  private replaceTyped(message: Message): void {
    if (message.position !== undefined && message.state?.kind === "read") return;
    for (const typed of this.typed.values()) {
      if (!sameBody(typed.body, message.body)) continue;
      const shown = this.list.find((line) => keyOf(line) === typed.id);
      if (shown?.type === "message" && shown.message.state?.kind === "failed") continue;
      this.drop(typed.id);
      return;
    }
  }
}
