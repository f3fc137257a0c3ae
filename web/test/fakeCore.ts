// A stand-in for the core of a patient, for tests and stories of the pages
// alone: one conversation, and what a script makes it say.

import type {
  Body,
  Box,
  Conversation,
  ConversationId,
  Keeping,
  Line,
  Member,
  Message,
  MessageId,
  Notice,
  OpenOptions,
  PersonId,
  Started,
  StartOptions,
} from "../src/core/shared/protocol.ts";
import { FakeBase, type ActName, type BaseScript } from "./fakeBase.ts";

export const me = "p_me" as PersonId;
export const nurse = "p_nurse" as PersonId;
export const archive = "p_archive" as PersonId;

/** Monday, 2 March 2026, 10:00 by the tests' clock. */
export const noon = new Date(2026, 2, 2, 10, 0).getTime();

export function member(change: Partial<Member> = {}): Member {
  return { person: me, name: "", title: "", kind: "patient", role: "patient", verified: false, me: true, since: noon, devices: 1, online: true, ...change };
}

export const nurseDana = member({ person: nurse, name: "Dana Ortiz", title: "Nurse", kind: "staff", role: "nurse", verified: true, me: false, since: noon + 120_000 });
export const theArchive = member({ person: archive, name: "Archive", kind: "service", role: "keeper", verified: true, me: false });

export function conversation(change: Partial<Conversation> = {}): Conversation {
  return {
    id: "c_one" as ConversationId,
    state: "waiting",
    queue: "q_general",
    language: "en",
    patient: me,
    createdAt: noon,
    waitingFrom: noon,
    lastAt: noon,
    place: 2,
    consent: "given",
    joined: true,
    joining: false,
    members: [member(), theArchive],
    unread: 0,
    typing: [],
    draft: "",
    ...change,
  };
}

export function message(position: number | undefined, body: Body | string, change: Partial<Message> = {}): Line {
  const mine = change.mine ?? true;
  const full: Message = {
    id: `m_${position ?? change.at ?? 0}` as MessageId,
    conversation: "c_one" as ConversationId,
    from: mine ? me : nurse,
    mine,
    at: noon + (position ?? 100) * 30_000,
    body: typeof body === "string" ? { kind: "text", text: body } : body,
    ...(position === undefined ? {} : { position }),
    ...(mine ? { state: position === undefined ? { kind: "sending" } : { kind: "read", position } } : {}),
    ...change,
  };
  return { type: "message", message: full };
}

export function notice(position: number, what: Notice, at = noon + position * 30_000): Line {
  return { type: "notice", line: { id: `n_${position}`, conversation: "c_one" as ConversationId, at, position, notice: what } };
}

export interface Script extends BaseScript {
  lines?: readonly Line[];
  keeping?: Keeping;
}

export class FakeCore extends FakeBase<Script> {
  constructor(script: Script = {}) {
    super({ now: () => noon, ...script }, me);
    this.log = [...(script.lines ?? [])];
  }

  async start(options: StartOptions): Promise<Started> {
    await this.called("start", options);
    const keeping = this.script.keeping ?? (options.memoryOnly ? "memory" : "saved");
    return { keeping, me, conversations: [...this.conversations.values()], coreStartMs: 300 };
  }

  async open(options: OpenOptions): Promise<ConversationId> {
    await this.called("open", options);
    const made = conversation({
      id: options.id,
      queue: options.queue,
      members: [member({ name: options.name }), theArchive],
      ...(options.leftMessage ? { leftMessage: true } : {}),
    });
    this.emit({ kind: "conversation", conversation: made });
    return made.id;
  }

  async act(id: ConversationId, act: ActName): Promise<void> {
    await this.called("act", id, act);
    if (act === "withdraw") this.change(id, { consent: "withdrawn" });
    if (act === "close") this.change(id, { state: "closed", closedBy: me });
    if (act === "reopen") this.change(id, { state: "open" });
  }

  async list(box: Box, cursor?: string): Promise<{ conversations: readonly Conversation[]; total: number }> {
    await this.called("list", box, cursor);
    const conversations = [...this.conversations.values()];
    return { conversations, total: conversations.length };
  }
}
