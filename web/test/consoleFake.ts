// A stand-in for the core of a staff browser, for tests and stories of the
// console alone: lists by box, acts that move conversations, lines by chat.

import { CoreError } from "../src/core/shared/failure.ts";
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
  Why,
} from "../src/core/shared/protocol.ts";
import { boxOf } from "../src/console/model/boxes.ts";
import { FakeBase, type ActName, type BaseScript } from "./fakeBase.ts";

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

export interface Script extends BaseScript {
  lines?: Readonly<Record<string, readonly Line[]>>;
  keeping?: Keeping;
  /** A browser that was confirmed before. */
  known?: boolean;
  /** How start ends up, once it is called. */
  connection?: "online" | "offline" | "connecting" | "signed-out";
  queued?: number;
  deviceKey?: Uint8Array;
  pageSize?: number;
}

export class ConsoleFake extends FakeBase<Script> {
  constructor(script: Script = {}) {
    super(script, dana);
    this.log = Object.values(script.lines ?? {}).flat();
  }

  async start(options: StartOptions): Promise<Started> {
    await this.called("start", options);
    const { known = true, connection = "online", queued = 0, keeping = "saved", deviceKey } = this.script;
    queueMicrotask(() => this.emit({ kind: "connection", connection, queued }));
    const kept = known ? [...this.conversations.values()].filter((c) => c.joined) : [];
    return { keeping, ...(known ? { me: dana } : {}), ...(deviceKey ? { deviceKey } : {}), conversations: kept, coreStartMs: 420 };
  }

  async list(box: Box, cursor?: string): Promise<{ conversations: readonly Conversation[]; next?: string; total: number }> {
    await this.called("list", box, cursor);
    const all = [...this.conversations.values()].filter((c) => boxOf(c, dana) === box);
    const from = Number(cursor ?? 0);
    const to = from + (this.script.pageSize ?? 1000);
    return { conversations: all.slice(from, to), total: all.length, ...(to < all.length ? { next: String(to) } : {}) };
  }

  async act(id: ConversationId, act: ActName, why?: Why): Promise<void> {
    await this.called("act", id, act, ...(why ? [why] : []));
    if (act === "take" || act === "take-over") this.change(id, { state: "open", assignee: dana, joining: true });
    if (act === "join") this.change(id, { joining: true });
    if (act === "leave") this.change(id, { joined: false, joining: false, members: (this.conversations.get(id)?.members ?? []).filter((m) => !m.me) });
    if (act === "close") this.change(id, { state: "closed" });
    if (act === "reopen") this.change(id, { state: "open" });
  }

  async open(options: OpenOptions): Promise<ConversationId> {
    await this.called("open", options);
    throw new CoreError("internal"); // staff do not open conversations
  }

  override async markRead(id: ConversationId, position: number): Promise<void> {
    await super.markRead(id, position);
    this.change(id, { unread: 0 });
  }
}
