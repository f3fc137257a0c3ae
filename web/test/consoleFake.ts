// A stand-in for the core of a staff browser, for tests and stories of the
// console alone: lists by box, acts that move conversations, lines by chat.

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
import { boxOf } from "../src/console/model/boxes.ts";

export const dana = "p_dana" as PersonId;
export const lee = "p_lee" as PersonId;
const started = Date.now() - 30 * 60_000;
export const archive = "p_keeper" as PersonId;

export function staff(person: PersonId, change: Partial<Member> = {}): Member {
  const known: Record<string, [string, string, string]> = { p_dana: ["Dana Ortiz", "Registered nurse", "nurse"], p_lee: ["Sam Lee", "Family physician", "physician"] };
  const [name, title, role] = known[person] ?? ["Nour Haddad", "Front desk", "front-desk"];
  return { person, name, title, kind: "staff", role, verified: true, me: person === dana, since: started, devices: 1, online: true, ...change };
}

export function patient(person: string, name: string, change: Partial<Member> = {}): Member {
  return { person: person as PersonId, name, title: "", kind: "patient", role: "patient", verified: false, me: false, since: started, devices: 1, online: true, ...change };
}

export const keeper: Member = { person: archive, name: "", title: "", kind: "service", role: "keeper", verified: true, me: false, since: started, devices: 1, online: true };

export function chat(id: string, change: Partial<Conversation> = {}): Conversation {
  return {
    id: id as ConversationId,
    state: "waiting",
    queue: "general",
    language: "en",
    patient: `p_of_${id}` as PersonId,
    createdAt: 0,
    lastAt: 0,
    consent: "given",
    joined: false,
    joining: false,
    members: [],
    unread: 0,
    typing: [],
    draft: "",
    ...change,
  };
}

/** Writes the log of one chat, one position after the other. */
export class LogWriter {
  readonly lines: Line[] = [];
  private position = 0;

  constructor(
    private readonly conversation: string,
    private at: number,
  ) {}

  wait(ms: number): this {
    this.at += ms;
    return this;
  }

  says(from: PersonId, body: Body | string, change: Partial<Message> = {}): this {
    const position = ++this.position;
    const mine = from === dana;
    const message: Message = {
      id: `${this.conversation}-${position}` as MessageId,
      conversation: this.conversation as ConversationId,
      from,
      mine,
      at: this.at,
      position,
      body: typeof body === "string" ? { kind: "text", text: body } : body,
      ...(mine ? { state: { kind: "read", position } as const } : {}),
      ...change,
    };
    this.lines.push({ type: "message", message });
    this.at += 20_000;
    return this;
  }

  notice(notice: Notice): this {
    const position = ++this.position;
    this.lines.push({ type: "notice", line: { id: `${this.conversation}-n${position}`, conversation: this.conversation as ConversationId, at: this.at, position, notice } });
    return this;
  }
}

export interface Script {
  conversations?: readonly Conversation[];
  lines?: Readonly<Record<string, readonly Line[]>>;
  keeping?: Keeping;
  /** A browser that was confirmed before. */
  known?: boolean;
  /** How start ends up, once it is called. */
  connection?: "online" | "offline" | "connecting" | "signed-out";
  queued?: number;
  /** The next call of this name is refused. */
  fail?: Partial<Record<keyof Core, Failure>>;
  /** These calls never end. */
  hang?: readonly (keyof Core)[];
  pageSize?: number;
  now?: () => number;
}

export class ConsoleFake implements Core {
  readonly calls: { name: keyof Core; args: readonly unknown[] }[] = [];
  private readonly listeners: ((event: CoreEvent) => void)[] = [];
  private readonly conversations = new Map<ConversationId, Conversation>();
  private readonly logs = new Map<string, readonly Line[]>();
  private count = 0;

  constructor(readonly script: Script = {}) {
    for (const c of script.conversations ?? []) this.conversations.set(c.id, c);
    for (const [id, lines] of Object.entries(script.lines ?? {})) this.logs.set(id, lines);
  }

  named(name: keyof Core): readonly (readonly unknown[])[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.args);
  }

  emit(event: CoreEvent): void {
    if (event.kind === "conversation") this.conversations.set(event.conversation.id, event.conversation);
    if (event.kind === "line") {
      const id = event.line.type === "message" ? event.line.message.conversation : event.line.line.conversation;
      this.logs.set(id, [...(this.logs.get(id) ?? []), event.line]);
    }
    for (const listener of this.listeners) listener(event);
  }

  /** Changes a conversation as an event of the hub would. */
  change(id: string, part: Partial<Conversation>): void {
    const c = this.conversations.get(id as ConversationId);
    if (c) this.emit({ kind: "conversation", conversation: { ...c, ...part } });
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

  async start(options: StartOptions): Promise<Started> {
    await this.called("start", options);
    const { known = true, connection = "online", queued = 0, keeping = "saved" } = this.script;
    queueMicrotask(() => this.emit({ kind: "connection", connection, queued }));
    const kept = known ? [...this.conversations.values()].filter((c) => c.joined) : [];
    return { keeping, ...(known ? { me: dana } : {}), conversations: kept, coreStartMs: 420 };
  }

  async list(box: Box, cursor?: string): Promise<{ conversations: readonly Conversation[]; next?: string; total: number }> {
    await this.called("list", box, cursor);
    const all = [...this.conversations.values()].filter((c) => boxOf(c, dana) === box);
    const from = Number(cursor ?? 0);
    const to = from + (this.script.pageSize ?? 1000);
    return { conversations: all.slice(from, to), total: all.length, ...(to < all.length ? { next: String(to) } : {}) };
  }

  async act(id: ConversationId, act: "take" | "take-over" | "join" | "leave" | "close" | "reopen" | "withdraw"): Promise<void> {
    await this.called("act", id, act);
    if (act === "take" || act === "take-over") this.change(id, { state: "open", assignee: dana, joining: true });
    if (act === "join") this.change(id, { joining: true });
    if (act === "leave") this.change(id, { joined: false, joining: false, members: (this.conversations.get(id)?.members ?? []).filter((m) => !m.me) });
    if (act === "close") this.change(id, { state: "closed" });
    if (act === "reopen") this.change(id, { state: "open" });
  }

  async lines(id: ConversationId, before?: number, limit = 50): Promise<readonly Line[]> {
    await this.called("lines", id, before, limit);
    const position = (line: Line): number => (line.type === "message" ? line.message.position : line.line.position) ?? Infinity;
    return (this.logs.get(id) ?? []).filter((line) => before === undefined || position(line) < before).slice(-limit);
  }

  async sendText(id: ConversationId, text: string): Promise<MessageId> {
    await this.called("sendText", id, text);
    return this.kept(id, { kind: "text", text });
  }

  async sendFile(id: ConversationId, file: Blob, info: FileInfo): Promise<MessageId> {
    await this.called("sendFile", id, file, info);
    return this.kept(id, { kind: "file", file: info });
  }

  private kept(conversation: ConversationId, body: Body): MessageId {
    const id = `m_kept${++this.count}` as MessageId;
    const at = (this.script.now ?? Date.now)();
    this.emit({ kind: "line", line: { type: "message", message: { id, conversation, from: dana, mine: true, at, body, state: { kind: "sending" } } } });
    return id;
  }

  async open(options: OpenOptions): Promise<ConversationId> {
    await this.called("open", options);
    throw new CoreError("internal"); // staff do not open conversations
  }

  async retry(id: MessageId): Promise<void> {
    await this.called("retry", id);
  }

  async cancel(id: MessageId): Promise<void> {
    await this.called("cancel", id);
    for (const [conversation, lines] of this.logs) {
      if (lines.some((l) => l.type === "message" && l.message.id === id)) {
        this.logs.set(conversation, lines.filter((l) => l.type !== "message" || l.message.id !== id));
        this.emit({ kind: "line-removed", conversation: conversation as ConversationId, id });
      }
    }
  }

  async openFile(id: MessageId): Promise<Blob> {
    await this.called("openFile", id);
    return new Blob(["%PDF-1.7"], { type: "application/pdf" });
  }

  async markRead(id: ConversationId, position: number): Promise<void> {
    await this.called("markRead", id, position);
    this.change(id, { unread: 0 });
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

  async forget(): Promise<void> {
    await this.called("forget");
  }

  async subscribe(listener: (event: CoreEvent) => void): Promise<void> {
    this.listeners.push(listener);
    await this.called("subscribe");
  }
}
