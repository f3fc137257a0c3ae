// What a person writes, from the keyboard to the core: the draft, the messages
// that the core has not taken yet, and the hint that somebody types.

import { failureOf } from "../../core/shared/failure.ts";
import { newMessageName } from "../../core/shared/names.ts";
import type { Body, Conversation, ConversationId, Core, Message, MessageId } from "../../core/shared/protocol.ts";
import type { Thread, Typed } from "./thread.ts";
import type { Unkept, UnkeptChat, UnkeptMessage } from "./unkept.ts";

const draftMs = 400;
const typingMs = 4000;
const quickMs = 250; // in which a core that runs takes a message

/** What this needs of the visit. */
export interface Visit {
  readonly core: Core | undefined;
  /** Undefined on a device of others, where nothing is kept. */
  readonly unkept: Unkept | undefined;
  /** The one on the screen; undefined until it is open. */
  readonly conversation: ConversationId | undefined;
  /** The same, also while it is being opened; undefined until it is known which one is unlocked. */
  readonly chat: ConversationId | undefined;
  /** Settled once it is kept that the chat was asked for. */
  readonly asked: Promise<unknown> | undefined;
  /** As the core has it. */
  known(id: ConversationId): Conversation | undefined;
  now(): number;
  /** The lines have changed. */
  changed(): void;
  notSent(): void;
  /** What was sent to another chat is the draft of this one, and nobody has it. */
  givenBack(): void;
}

const typedOf = (message: UnkeptMessage): Typed => ({ ...message, id: `typed-${message.name}` as MessageId });

export class Outgoing {
  private text = "";
  /** The chat that the draft is of. */
  private textOf: ConversationId | undefined;
  private draftIsUnkept = false;
  private draftTimer: ReturnType<typeof setTimeout> | undefined;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  private newest = 0;
  /** What the core has not said that it has, in the order in which it was typed. */
  private readonly untaken = new Map<MessageId, Typed>();

  constructor(
    private readonly thread: Thread,
    private readonly visit: Visit,
  ) {}

  /** What a page before this one did not get to the core, and the chat that it asked for. */
  async restore(): Promise<{ chat?: UnkeptChat; waits: boolean } | undefined> {
    const found = await this.visit.unkept?.read().catch(() => undefined);
    if (!found) return undefined;
    const { chat, draft } = found;
    this.text = draft?.text ?? "";
    this.textOf = draft?.conversation;
    this.draftIsUnkept = this.text !== "";
    for (const message of [...found.messages].sort((a, b) => a.at - b.at)) {
      const typed = typedOf(message);
      this.untaken.set(typed.id, typed);
      this.thread.type(typed, true);
    }
    this.visit.changed();
    return chat ? { chat, waits: found.messages.some(({ conversation }) => conversation === chat.options.id) } : undefined;
  }

  /** Shows it at once and sends it when it can be sent. */
  send(body: Body, blob?: Blob): void {
    const { chat, unkept } = this.visit;
    this.newest = Math.max(this.visit.now(), this.newest + 1);
    const typed = typedOf({ name: newMessageName(), body, at: this.newest, ...(blob ? { blob } : {}), ...(chat ? { conversation: chat } : {}) });
    this.untaken.set(typed.id, typed);
    this.thread.type(typed, unkept === undefined);
    this.visit.changed();
    this.stopTyping();
    if (body.kind === "text") {
      // The draft is let go of by whoever takes the text, and not before.
      this.text = "";
      clearTimeout(this.draftTimer);
    }
    void this.hand(typed.id);
    if (unkept) void this.keep(typed, unkept);
  }

  // Until the core has it, the browser does.
  private async keep(typed: Typed, unkept: Unkept): Promise<void> {
    if (this.visit.conversation) await new Promise((resolve) => setTimeout(resolve, quickMs));
    else await this.visit.asked?.catch(() => undefined);
    const now = this.untaken.get(typed.id); // it may be another chat's since
    if (!now) return;
    const { id, ...message } = now;
    try {
      await unkept.putMessage(message, typed.body.kind === "text" && this.text === "");
    } catch {
      return; // it does not say that it is being sent
    }
    if (this.text === "") this.draftIsUnkept = false;
    if (!this.untaken.has(id)) return void unkept.dropMessage(typed.name).catch(() => undefined);
    if (!this.thread.hasFailed(id)) this.thread.sending(id);
    this.visit.changed();
  }

  // Hands a typed message to the core. Without a conversation it waits.
  private async hand(id: MessageId): Promise<void> {
    const typed = this.untaken.get(id);
    const { core, conversation: open } = this.visit;
    if (!typed || !open || !core) return;
    const { body, blob, name, conversation = open } = typed;
    const draft = this.textOf === conversation ? this.text : this.visit.known(conversation)?.draft;
    try {
      const kept =
        body.kind === "file" && blob
          ? await core.sendFile(conversation, blob, body.file, name)
          : body.kind === "text"
            ? await core.sendText(conversation, body.text, name, draft?.trim() === body.text ? "" : draft)
            : undefined;
      this.taken(typed);
      if (kept) this.thread.settle(id, kept);
    } catch (error) {
      const shown = this.thread.typedBy(id) !== undefined;
      this.thread.refuse(id, failureOf(error));
      if (shown) this.visit.notSent();
    }
    this.visit.changed();
  }

  private taken({ id, name }: Typed): void {
    this.untaken.delete(id);
    void this.visit.unkept?.dropMessage(name).catch(() => undefined);
  }

  /** The conversation is open: what was written before goes out, each to its own. */
  opened(unlocked: boolean): void {
    const { conversation: open } = this.visit;
    if (open && unlocked) {
      for (const typed of this.untaken.values()) this.untaken.set(typed.id, { conversation: open, ...typed });
      this.textOf ??= open;
    }
    this.giveBack(true);
    for (const { id, conversation } of [...this.untaken.values()]) {
      if (conversation !== open) this.thread.drop(id);
      if (!this.thread.hasFailed(id) && this.isThere(conversation)) void this.hand(id);
    }
  }

  /** Another chat begins, in which none of this is said: what was refused in the last is let go of with it. */
  begin(): void {
    for (const typed of [...this.untaken.values()]) if (this.thread.hasFailed(typed.id)) this.taken(typed);
    this.thread.clear();
    this.giveBack(this.textOf === undefined);
  }

  // What was sent to a chat that there is not goes back into the field, and its
  // files are not sent until somebody says so. So does the draft of such a chat,
  // told of if it may have been meant for another than this.
  private giveBack(drafts: boolean): void {
    const { chat, unkept } = this.visit;
    const into = chat && this.visit.known(chat);
    if (into?.state === "closed" || into?.consent === "withdrawn") return; // nothing can be said there
    const words: string[] = [];
    const gone: Typed[] = [];
    for (const typed of [...this.untaken.values()]) {
      const { id, conversation, body } = typed;
      if (conversation === chat ? chat : this.isThere(conversation)) continue;
      gone.push(typed);
      this.untaken.delete(id);
      this.thread.drop(id);
      if (body.kind === "text") words.push(body.text);
      if (body.kind !== "file" || !chat) continue;
      const moved = { ...typed, conversation: chat };
      this.untaken.set(id, moved);
      this.thread.type(moved, true);
      this.thread.refuse(id, "cancelled");
    }
    const elsewhere = this.textOf !== chat;
    if (elsewhere && this.isThere(this.textOf)) {
      if (this.draftIsUnkept) this.saveDraft(); // there
      this.text = "";
    }
    const moves = elsewhere && this.text !== "";
    if (moves || words.length > 0) {
      const own = moves || this.text === "" ? into?.draft : "";
      this.text = [own, ...words, this.text].filter(Boolean).join("\n\n");
    }
    this.textOf = chat;
    if (gone.length > 0 || (moves && drafts)) this.visit.givenBack();
    if (!this.text && gone.length === 0) return;
    // The words are in one place or the other, whenever the page goes.
    void this.keepDraft()
      .then(() => Promise.all(gone.map(({ name }) => unkept?.dropMessage(name))))
      .catch(() => undefined);
  }

  private isThere(id: ConversationId | undefined): boolean {
    return id !== undefined && (id === this.visit.conversation || this.visit.known(id) !== undefined);
  }

  async retry(message: Message): Promise<void> {
    if (this.untaken.has(message.id)) {
      this.thread.sending(message.id);
      this.visit.changed();
      await this.hand(message.id);
    } else {
      await this.visit.core?.retry(message.id).catch(() => this.visit.notSent());
    }
  }

  async cancel(message: Message): Promise<void> {
    const typed = this.untaken.get(message.id);
    if (typed) this.taken(typed);
    else await this.visit.core?.cancel(message.id).catch(() => undefined);
    if (message.position === undefined) this.thread.drop(message.id); // else a download was stopped
    this.visit.changed();
  }

  get draft(): string {
    const { chat } = this.visit;
    return !chat || this.textOf === chat ? this.text : "";
  }

  /** Keeps what is being typed, and tells the others that somebody types. */
  setDraft(text: string): void {
    this.text = text;
    this.textOf = this.visit.chat;
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

  /** Nothing of it is kept or sent any more. */
  forget(): void {
    clearTimeout(this.draftTimer);
    this.stopTyping();
    this.text = "";
    this.untaken.clear();
  }

  private saveDraft(): void {
    void this.keepDraft().catch(() => undefined);
  }

  private async keepDraft(): Promise<void> {
    const { core, unkept } = this.visit;
    const { text, textOf } = this;
    const to = core && this.isThere(textOf) ? textOf : undefined;
    const unsaved = to === undefined && text !== "";
    if (unsaved) this.draftIsUnkept = true;
    const wasUnkept = this.draftIsUnkept;
    if (to) await core?.saveDraft(to, text);
    if (!wasUnkept || this.textOf !== textOf) return; // another chat's words are kept now
    this.draftIsUnkept = unsaved;
    await unkept?.putDraft(unsaved ? { text, conversation: textOf } : undefined);
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
