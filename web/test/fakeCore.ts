// A stand-in for the core, for tests and stories of the pages alone: it keeps
// what it is given in memory and says what a script makes it say.

import { CoreError } from "../src/core/shared/failure.ts";
import type {
  Body,
  Box,
  Conversation,
  ConversationId,
  Core,
  CoreEvent,
  Failure,
  FileInfo,
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

export interface Script {
  conversations?: readonly Conversation[];
  lines?: readonly Line[];
  keeping?: Keeping;
  /** The next call of this name is refused. */
  fail?: Partial<Record<keyof Core, Failure>>;
  /** These calls never end. */
  hang?: readonly (keyof Core)[];
  now?: () => number;
}

export class FakeCore implements Core {
  readonly calls: { name: keyof Core; args: readonly unknown[] }[] = [];
  private readonly listeners: ((event: CoreEvent) => void)[] = [];
  private readonly conversations = new Map<ConversationId, Conversation>();
  private log: Line[];
  private count = 0;

  constructor(readonly script: Script = {}) {
    for (const each of script.conversations ?? []) this.conversations.set(each.id, each);
    this.log = [...(script.lines ?? [])];
  }

  emit(event: CoreEvent): void {
    if (event.kind === "conversation") this.conversations.set(event.conversation.id, event.conversation);
    if (event.kind === "line") this.log = [...this.log, event.line];
    for (const listener of this.listeners) listener(event);
  }

  private async called(name: keyof Core, ...args: unknown[]): Promise<void> {
    this.calls.push({ name, args });
    const failure = this.script.fail?.[name];
    if (failure) {
      delete this.script.fail?.[name];
      throw new CoreError(failure);
    }
    if (this.script.hang?.includes(name)) await new Promise(() => undefined);
  }

  private now(): number {
    return this.script.now?.() ?? noon;
  }

  async start(options: StartOptions): Promise<Started> {
    await this.called("start", options);
    const keeping = this.script.keeping ?? (options.memoryOnly ? "memory" : "saved");
    return { keeping, me, conversations: [...this.conversations.values()], coreStartMs: 300 };
  }

  async open(options: OpenOptions): Promise<ConversationId> {
    await this.called("open", options);
    const made = conversation({ id: `c_${++this.count}` as ConversationId, queue: options.queue, members: [member({ name: options.name }), theArchive] });
    this.emit({ kind: "conversation", conversation: made });
    return made.id;
  }

  async sendText(id: ConversationId, text: string): Promise<MessageId> {
    await this.called("sendText", id, text);
    return this.kept(id, { kind: "text", text });
  }

  async sendFile(id: ConversationId, file: Blob, info: FileInfo): Promise<MessageId> {
    await this.called("sendFile", id, file, info);
    return this.kept(id, { kind: "file", file: info });
  }

  private kept(id: ConversationId, body: Body): MessageId {
    const made = `m_kept${++this.count}` as MessageId;
    this.emit({ kind: "line", line: message(undefined, body, { id: made, conversation: id, at: this.now() }) });
    return made;
  }

  async retry(id: MessageId): Promise<void> {
    await this.called("retry", id);
  }

  async cancel(id: MessageId): Promise<void> {
    await this.called("cancel", id);
  }

  async lines(id: ConversationId, before?: number, limit = 50): Promise<readonly Line[]> {
    await this.called("lines", id, before, limit);
    const position = (line: Line): number => (line.type === "message" ? line.message.position : line.line.position) ?? Infinity;
    const own = this.log.filter((line) => (line.type === "message" ? line.message.conversation : line.line.conversation) === id);
    return own.filter((line) => before === undefined || position(line) < before).slice(-limit);
  }

  async openFile(id: MessageId): Promise<Blob> {
    await this.called("openFile", id);
    return new Blob(["%PDF-1.7"], { type: "application/pdf" });
  }

  async markRead(id: ConversationId, position: number): Promise<void> {
    await this.called("markRead", id, position);
  }

  async setTyping(id: ConversationId, typing: boolean): Promise<void> {
    await this.called("setTyping", id, typing);
  }

  async saveDraft(id: ConversationId, text: string): Promise<void> {
    await this.called("saveDraft", id, text);
  }

  async safetyCode(id: ConversationId, person: PersonId): Promise<string> {
    await this.called("safetyCode", id, person);
    return "48213 90417 55062 17398 60254 83911";
  }

  async act(id: ConversationId, act: "take" | "take-over" | "join" | "leave" | "close" | "reopen" | "withdraw"): Promise<void> {
    await this.called("act", id, act);
    const now = this.conversations.get(id);
    if (!now) return;
    if (act === "withdraw") this.emit({ kind: "conversation", conversation: { ...now, consent: "withdrawn" } });
    if (act === "close") this.emit({ kind: "conversation", conversation: { ...now, state: "closed" } });
    if (act === "reopen") this.emit({ kind: "conversation", conversation: { ...now, state: "open" } });
  }

  async list(box: Box, cursor?: string): Promise<{ conversations: readonly Conversation[]; total: number }> {
    await this.called("list", box, cursor);
    const conversations = [...this.conversations.values()];
    return { conversations, total: conversations.length };
  }

  async forget(): Promise<void> {
    await this.called("forget");
  }

  async subscribe(listener: (event: CoreEvent) => void): Promise<void> {
    this.listeners.push(listener);
    await this.called("subscribe");
  }
}
