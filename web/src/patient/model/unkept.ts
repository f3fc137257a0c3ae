import type { Body, ConversationId, MessageName, OpenOptions } from "../../core/shared/protocol.ts";
import type { AboutMe } from "./state.ts";

/** A message that the core has not taken yet. */
export interface UnkeptMessage {
  readonly name: MessageName;
  readonly body: Body;
  readonly blob?: Blob;
  /** This device's clock; no two are alike, and the next is later. */
  readonly at: number;
  /** Undefined if it was typed before it was known which chat is unlocked. */
  readonly conversation?: ConversationId;
}

/** What is being typed. */
export interface UnkeptDraft {
  readonly text: string;
  /** As a message's. */
  readonly conversation?: ConversationId | undefined;
}

/** A conversation that was asked for and that the core has not begun yet. */
export interface UnkeptChat {
  readonly about: AboutMe;
  readonly options: OpenOptions;
}

/**
 * What this browser keeps, sealed, until the core does: the core takes seconds
 * to load, and the page may be gone by then. Every call rejects where nothing
 * can be kept.
 */
export interface Unkept {
  /** All there is, in no order. */
  read(): Promise<{ readonly messages: readonly UnkeptMessage[]; readonly chat?: UnkeptChat; readonly draft?: UnkeptDraft }>;
  /** On the disk when it resolves. The draft that became the message goes with it. */
  putMessage(message: UnkeptMessage, draftToo: boolean): Promise<void>;
  dropMessage(name: MessageName): Promise<void>;
  putChat(chat: UnkeptChat): Promise<void>;
  dropChat(): Promise<void>;
  /** Undefined: there is none. */
  putDraft(draft: UnkeptDraft | undefined): Promise<void>;
  forget(): Promise<void>;
}
