// What a person writes, from the keyboard to the core: the draft, the messages
// that the core has not taken yet, and the hint that somebody types.

import { failureOf } from "../../core/shared/failure.ts";
import type { Body, ConversationId, Core, Message, MessageId } from "../../core/shared/protocol.ts";
import type { Thread } from "./thread.ts";

const draftMs = 400;
const typingMs = 4000;

/** What this needs of the visit. */
export interface Visit {
  readonly core: Core | undefined;
  /** The one on the screen; undefined until it is open. */
  readonly conversation: ConversationId | undefined;
  now(): number;
  /** The lines have changed. */
  changed(): void;
  notSent(): void;
}

export class Outgoing {
  private text = "";
  private draftTimer: ReturnType<typeof setTimeout> | undefined;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly thread: Thread,
    private readonly visit: Visit,
  ) {}

  /** Shows it at once and sends it when it can be sent. */
  send(body: Body, blob?: Blob): void {
    const typed = this.thread.type(body, this.visit.now(), blob);
    this.visit.changed();
    this.stopTyping();
    void this.hand(typed.id);
  }

  // Hands a typed message to the core. Without a conversation it waits.
  private async hand(id: MessageId): Promise<void> {
    const typed = this.thread.typedBy(id);
    const { conversation, core } = this.visit;
    if (!typed || !conversation || !core) return;
    const { body, blob, name } = typed;
    try {
      const kept =
        body.kind === "file" && blob
          ? await core.sendFile(conversation, blob, body.file, name)
          : body.kind === "text"
            ? await core.sendText(conversation, body.text, name)
            : undefined;
      if (kept) this.thread.settle(id, kept);
    } catch (error) {
      this.thread.refuse(id, failureOf(error));
      this.visit.notSent();
    }
    this.visit.changed();
  }

  /** The conversation is open: what was written before goes out. */
  opened(): void {
    for (const { id } of this.thread.waiting) void this.hand(id);
    if (this.text) this.saveDraft();
  }

  async retry(message: Message): Promise<void> {
    if (this.thread.typedBy(message.id)) {
      this.thread.again(message.id);
      this.visit.changed();
      await this.hand(message.id);
    } else {
      await this.visit.core?.retry(message.id).catch(() => this.visit.notSent());
    }
  }

  async cancel(message: Message): Promise<void> {
    if (!this.thread.typedBy(message.id)) await this.visit.core?.cancel(message.id).catch(() => undefined);
    if (message.position === undefined) this.thread.drop(message.id); // else a download was stopped
    this.visit.changed();
  }

  get draft(): string {
    return this.text;
  }

  /** Keeps what is being typed, and tells the others that somebody types. */
  setDraft(text: string): void {
    this.text = text;
    clearTimeout(this.draftTimer);
    if (text === "") {
      this.saveDraft();
      return;
    }
    this.draftTimer = setTimeout(() => this.saveDraft(), draftMs);
    this.type();
  }

  /** Before the page goes. */
  flush(): void {
    clearTimeout(this.draftTimer);
    if (this.text) this.saveDraft();
    this.stopTyping();
  }

  private saveDraft(): void {
    const { conversation, core } = this.visit;
    if (conversation) void core?.saveDraft(conversation, this.text).catch(() => undefined);
  }

  private type(): void {
    const { conversation, core } = this.visit;
    if (!conversation || !core) return;
    if (!this.typingTimer) void core.setTyping(conversation, true).catch(() => undefined);
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => this.stopTyping(), typingMs);
  }

  private stopTyping(): void {
    if (!this.typingTimer) return;
    clearTimeout(this.typingTimer);
    this.typingTimer = undefined;
    const { conversation, core } = this.visit;
    if (conversation) void core?.setTyping(conversation, false).catch(() => undefined);
  }
}
