// What both stand-ins for the core have in common: they keep logs by
// conversation in memory, write down every call, and fail or hang as a script
// says. What a surface's core does differently is in fakeCore and consoleFake.

import { CoreError } from "../src/core/shared/failure.ts";
import type {
  Agreed,
  Agreements,
  Body,
  Box,
  Conversation,
  ConversationId,
  Core,
  CoreEvent,
  DevicesAsk,
  Failure,
  FileInfo,
  IdentifyStep,
  Leaf,
  Line,
  Message,
  MessageId,
  MessageName,
  OpenOptions,
  PersonId,
  RecallReason,
  Sighting,
  Sightings,
  Started,
  StartOptions,
} from "../src/core/shared/protocol.ts";

export type ActName = Parameters<Core["act"]>[1];

export interface BaseScript {
  conversations?: readonly Conversation[];
  agreements?: Agreements;
  /** Pages, the newest first. */
  sightings?: readonly (readonly Sighting[])[];
  /** What the hub would answer of the devices that write as the patient. */
  devices?: (ask: DevicesAsk, query?: string) => { answer: unknown } | { refused: string };
  /** Which devices hold the keys, and what the hub would answer of their certificates. */
  leaves?: readonly Leaf[];
  certificates?: (person: string) => { answer: unknown } | { refused: string };
  /** The next call of this name is refused. */
  fail?: Partial<Record<keyof Core, Failure>>;
  /** These calls never end. */
  hang?: readonly (keyof Core)[];
  now?: () => number;
}

export function conversationOf(line: Line): ConversationId {
  return line.type === "message" ? line.message.conversation : line.line.conversation;
}

const positionOf = (line: Line): number => (line.type === "message" ? line.message.position : line.line.position) ?? Infinity;

export abstract class FakeBase<S extends BaseScript> implements Core {
  readonly calls: { name: keyof Core; args: readonly unknown[] }[] = [];
  protected readonly conversations = new Map<ConversationId, Conversation>();
  protected log: Line[] = [];
  protected count = 0;
  private readonly taken = new Map<MessageName, MessageId>();
  private readonly listeners: ((event: CoreEvent) => void)[] = [];

  constructor(
    readonly script: S,
    private readonly me: PersonId,
  ) {
    for (const each of script.conversations ?? []) this.conversations.set(each.id, each);
  }

  async agree(id: ConversationId | "", consents: readonly Agreed[]): Promise<void> {
    await this.called("agree", id, consents);
    if (id) this.change(id, { consent: "given" });
  }

  async agreements(): Promise<Agreements> {
    await this.called("agreements");
    return this.script.agreements ?? { agreements: [], offered: [] };
  }

  async sightings(cursor?: string): Promise<Sightings> {
    await this.called("sightings", cursor);
    const [first, ...older] = this.script.sightings ?? [];
    const page = cursor ? older[Number(cursor) - 1] : first;
    const next = cursor ? Number(cursor) + 1 : 1;
    return { sightings: page ?? [], ...(older.length >= next ? { next: String(next) } : {}) };
  }

  async devices(ask: DevicesAsk, query?: string): Promise<{ answer: unknown } | { refused: string }> {
    await this.called("devices", ask, query);
    return this.script.devices?.(ask, query) ?? { answer: { devices: [], new: 0 } };
  }

  async takeBack(id: string): Promise<void> {
    await this.called("takeBack", id);
  }

  /** The arguments of every call of that name. */
  named(name: keyof Core): readonly (readonly unknown[])[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.args);
  }

  emit(event: CoreEvent): void {
    if (event.kind === "conversation") this.conversations.set(event.conversation.id, event.conversation);
    if (event.kind === "line") this.keep(event.line);
    if (event.kind === "line-removed") this.log = this.log.filter((line) => line.type !== "message" || line.message.id !== event.id);
    for (const listener of this.listeners) listener(event);
  }

  private keep(line: Line): void {
    const at = line.type === "message" ? this.log.findIndex((each) => each.type === "message" && each.message.id === line.message.id) : -1;
    this.log = at < 0 ? [...this.log, line] : this.log.with(at, line);
  }

  /** Changes a conversation as an event of the hub would. */
  change(id: string, part: Partial<Conversation>): void {
    const c = this.conversations.get(id as ConversationId);
    if (c) this.emit({ kind: "conversation", conversation: { ...c, ...part } });
  }

  protected async called(name: keyof Core, ...args: unknown[]): Promise<void> {
    this.calls.push({ name, args });
    const failure = this.script.fail?.[name];
    if (failure) {
      delete this.script.fail?.[name];
      throw new CoreError(failure);
    }
    if (this.script.hang?.includes(name)) await new Promise(() => undefined);
  }

  abstract start(options: StartOptions): Promise<Started>;
  abstract open(options: OpenOptions): Promise<ConversationId>;
  abstract act(id: ConversationId, act: ActName): Promise<void>;
  abstract list(box: Box, cursor?: string): Promise<{ conversations: readonly Conversation[]; next?: string; total: number }>;

  async sendText(id: ConversationId, text: string, name: MessageName, draft = ""): Promise<MessageId> {
    await this.called("sendText", id, text, name, draft);
    return this.kept(id, { kind: "text", text }, name);
  }

  async sendFile(id: ConversationId, file: Blob, info: FileInfo, name: MessageName): Promise<MessageId> {
    await this.called("sendFile", id, file, info, name);
    return this.kept(id, { kind: "file", file: info }, name);
  }

  private kept(conversation: ConversationId, body: Body, name: MessageName): MessageId {
    const before = this.taken.get(name);
    if (before) return before; // as the core does
    const id = `m_kept${++this.count}` as MessageId;
    this.taken.set(name, id);
    const at = (this.script.now ?? Date.now)();
    this.emit({ kind: "line", line: { type: "message", message: { id, conversation, from: this.me, mine: true, at, body, state: { kind: "sending" } } } });
    return id;
  }

  async retry(id: MessageId): Promise<void> {
    await this.called("retry", id);
  }

  async cancel(id: MessageId): Promise<void> {
    await this.called("cancel", id);
    const line = this.log.find((each) => each.type === "message" && each.message.id === id);
    if (line?.type === "message" && line.message.position !== undefined) return; // a download was stopped
    if (line) this.emit({ kind: "line-removed", conversation: conversationOf(line), id });
  }

  async recall(id: MessageId, reason?: RecallReason): Promise<void> {
    await this.called("recall", id, reason);
    const line = this.log.find((each) => each.type === "message" && each.message.id === id);
    if (line?.type !== "message") return;
    const message: Message = { ...line.message, body: { kind: "recalled", at: (this.script.now ?? Date.now)() } };
    this.emit({ kind: "line", line: { type: "message", message } });
  }

  async lines(id: ConversationId, before?: number, limit = 50): Promise<readonly Line[]> {
    await this.called("lines", id, before, limit);
    const own = this.log.filter((line) => conversationOf(line) === id);
    return own.filter((line) => before === undefined || positionOf(line) < before).slice(-limit);
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

  async leaves(id: ConversationId): Promise<readonly Leaf[]> {
    await this.called("leaves", id);
    return this.script.leaves ?? [];
  }

  async certificates(id: ConversationId, person: PersonId, cursor?: string): Promise<{ answer: unknown } | { refused: string }> {
    await this.called("certificates", id, person, cursor);
    return this.script.certificates?.(person) ?? { answer: { events: [] } };
  }

  /** What the hub would answer to a step, as a story says. */
  identified: ((step: string, body?: object) => { answer: unknown } | { refused: string }) | undefined;

  async identify(step: IdentifyStep, body?: object): Promise<{ answer: unknown } | { refused: string }> {
    await this.called("identify", step, body);
    return this.identified?.(step, body) ?? { refused: "not-found" };
  }

  async introduce(key: Uint8Array): Promise<Uint8Array> {
    await this.called("introduce", key);
    return new Uint8Array(70);
  }

  async comeBack(assertion: object): Promise<{ answer: unknown } | { refused: string }> {
    await this.called("comeBack", assertion);
    return this.identified?.("passkey", assertion) ?? { refused: "unauthenticated" };
  }

  async rate(id: ConversationId, score: number): Promise<void> {
    await this.called("rate", id, score);
    this.change(id, { rating: score });
  }

  async forget(): Promise<void> {
    await this.called("forget");
  }

  async subscribe(listener: (event: CoreEvent) => void): Promise<void> {
    this.listeners.push(listener);
    await this.called("subscribe");
  }
}
