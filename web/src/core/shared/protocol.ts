// The whole language between a page and the core worker. No key, no group
// state and no error text crosses it. Everything here is structured-cloneable.

export type ConversationId = string & { readonly __brand: "ConversationId" };
export type PersonId = string & { readonly __brand: "PersonId" };
/** What the page calls a message that it hands to the core. */
export type MessageName = string & { readonly __brand: "MessageName" };
/** Made by this device; stable from the moment a message is typed. */
export type MessageId = string & { readonly __brand: "MessageId" };

export type Surface = "patient" | "staff";

/** Why a call failed. The page chooses the words. */
export type Failure =
  | "offline" // kept; goes out by itself
  | "signed-out"
  | "not-a-member"
  | "not-found"
  | "taken"
  | "closed"
  | "consent-withdrawn"
  | "consent-due" // the form has changed: agree again first
  | "too-large"
  | "wrong-type"
  | "rate-limited"
  | "storage-blocked"
  | "storage-full"
  | "untrusted" // the hub or a member broke a rule of the encryption
  | "too-late" // to take a message back
  | "cancelled"
  | "internal";

export type Connection = "connecting" | "online" | "offline" | "signed-out";

/** What the core keeps its state in. */
export type Keeping = "saved" | "memory";

export type SendState =
  | { kind: "sending" }
  | { kind: "queued" } // will send when back online
  | { kind: "full" } // the practice's hub has no room now: will send once it has
  | { kind: "sent"; position: number }
  | { kind: "delivered"; position: number }
  | { kind: "read"; position: number }
  | { kind: "failed"; failure: Failure };

export interface FileInfo {
  readonly name: string;
  readonly mediaType: string;
  /** Bytes of the file itself, before sealing. */
  readonly size: number;
  /** Small preview made by the sender, a data-less Blob URL is made by the page. */
  readonly preview?: Uint8Array;
  readonly width?: number;
  readonly height?: number;
}

export type Body =
  | { kind: "text"; text: string }
  | { kind: "file"; file: FileInfo }
  | { kind: "recalled"; at?: number } // taken back, and when
  | { kind: "unreadable" }; // made before this device was added and not yet shared

export interface Message {
  readonly id: MessageId;
  readonly conversation: ConversationId;
  readonly from: PersonId;
  readonly mine: boolean;
  /** Milliseconds, the hub's clock once sent, this device's before. */
  readonly at: number;
  /** Undefined until the hub has taken it. Orders the log. */
  readonly position?: number;
  readonly body: Body;
  /** Own messages only. */
  readonly state?: SendState;
  /** Upload or download progress of a file, 0 to 1. */
  readonly progress?: number;
  /** True if it came as history from the practice's archive, not from the sender's device. */
  readonly shared?: boolean;
  /** Own messages only: it is being taken back. */
  readonly recalling?: boolean;
}

/** Why a message is taken back. Only a patient need not say. */
export const recallReasons = { unsaid: 0, wrongPatient: 1, wrongContent: 2, other: 3 } as const;
export type RecallReason = (typeof recallReasons)[keyof typeof recallReasons];

/** Why a supervisor goes into a chat that others have: an api.Entry's. */
export type Why = "coaching" | "asked" | "complaint" | "absent" | "safety" | "other";

/** A line of the log that is not a message. */
export type Notice =
  | { kind: "joined"; person: PersonId }
  | { kind: "left"; person: PersonId }
  | { kind: "removed"; person: PersonId }
  | { kind: "device-added"; person: PersonId }
  | { kind: "device-removed"; person: PersonId }
  | { kind: "closed"; person?: PersonId }
  | { kind: "reopened"; person?: PersonId }
  | { kind: "emergency"; person: PersonId } // came in by breaking the glass, by the hub's word
  | { kind: "history-shared"; person: PersonId; count: number }
  | { kind: "gap" } // frames are missing or were refused
  | { kind: "refused"; rule: string }; // a lying hub or member was caught

export interface NoticeLine {
  readonly id: string;
  readonly conversation: ConversationId;
  readonly at: number;
  readonly position: number;
  readonly notice: Notice;
}

export type Line = { type: "message"; message: Message } | { type: "notice"; line: NoticeLine };

export interface Member {
  readonly person: PersonId;
  /** From a name card that the practice's authority signed, or for a patient, their own word. */
  readonly name: string;
  readonly title: string;
  readonly kind: "patient" | "staff" | "service";
  readonly role: string;
  /** True if this device checked the authority's signature itself. */
  readonly verified: boolean;
  readonly me: boolean;
  readonly since: number;
  readonly devices: number;
  readonly online: boolean;
  /** In by breaking the glass, for an hour at most, by the hub's word. */
  readonly emergency?: boolean;
}

/** How far the practice knows who a patient is. A level lapses by the hub's clock. */
export type Level = "guest" | "contact" | "matched" | "signed-in";

export interface Verification {
  readonly level: Level;
  readonly method?: string;
  readonly at?: number;
  readonly until?: number;
}

export type IdentifyStep = "" | "code" | "code/check" | "match" | "passkeys" | "passkeys/remove" | "portal" | "portal/finish";

export interface Conversation {
  readonly id: ConversationId;
  readonly state: "waiting" | "open" | "closed";
  readonly queue: string;
  readonly language: string;
  readonly patient: PersonId;
  readonly assignee?: PersonId;
  readonly createdAt: number;
  readonly waitingFrom?: number;
  readonly lastAt: number;
  readonly place?: number;
  /** Due: the patient is asked to agree again before their next message. */
  readonly consent: "given" | "due" | "withdrawn";
  /** True once this device is in the group and can read. */
  readonly joined: boolean;
  /** Policy wants me in and the keeper has not added this device yet. */
  readonly joining: boolean;
  readonly members: readonly Member[];
  readonly unread: number;
  /** Last readable line, for lists; absent while not joined. */
  readonly last?: string;
  readonly typing: readonly PersonId[];
  readonly draft: string;
  /** The patient left a message and does not wait at the screen. */
  readonly leftMessage?: boolean;
  /** 1 to 5, as the patient gave it at the end. */
  readonly rating?: number;
  /** Who closed it, by the hub's word. */
  readonly closedBy?: PersonId;
  /** Closed, and I took part or nobody of the staff did, by the hub's word: staff may open it again. */
  readonly reopens?: boolean;
  /** Of the patient, by the hub's word; absent until it has said. */
  readonly verification?: Verification;
  /** Who writes does so for somebody else, by their own word alone. */
  readonly unconfirmed?: boolean;
}

export type Box = "waiting" | "mine" | "team" | "closed";

export interface StartOptions {
  readonly surface: Surface;
  /** The practice's slug. */
  readonly practice: string;
  /** Of staff: what is kept is theirs alone, also where others use the same browser. */
  readonly person?: PersonId;
  /** Keep nothing on this machine (shared device, or storage is blocked). */
  readonly memoryOnly: boolean;
  readonly deviceName: string;
  /** Pinned by the page that embeds the chat; base64 of the authority key's SHA-256. */
  readonly authority?: string;
}

export interface Started {
  readonly keeping: Keeping;
  readonly me?: PersonId;
  readonly conversations: readonly Conversation[];
  /** Milliseconds from worker start until the core could run. */
  readonly coreStartMs: number;
  /** This device's public signature key: SEC 1, uncompressed. A passkey of its owner can vouch for it. */
  readonly deviceKey?: Uint8Array;
}

/** What the person agreed to: the exact text, by its hash. The core adds when, and signs. */
export interface Agreed {
  readonly form: string;
  readonly kind: string;
  readonly version: number;
  readonly language: string;
  readonly sha256: Uint8Array;
}

/** A receipt as the hub keeps it. */
export interface Agreement extends Agreed {
  readonly id: string;
  readonly method: string;
  /** The hub's clock. */
  readonly at: number;
  readonly deviceAt: number;
  readonly sequence: number;
  readonly signature: Uint8Array;
  readonly device: string;
  readonly person: string;
  /** Empty for what goes beyond one. */
  readonly conversation: string;
  /** 0 while it stands. */
  readonly withdrawnAt: number;
  readonly current: boolean;
}

export interface Agreements {
  readonly agreements: readonly Agreement[];
  /** Forms that the person may agree to besides, and has not. */
  readonly offered: readonly { readonly form: string; readonly kind: string; readonly version: number }[];
}

/** One time, or several in a row, that somebody got at what the person wrote. */
export interface Sighting {
  /** The last time, and the first. */
  readonly at: number;
  readonly since: number;
  readonly times: number;
  readonly way: "read" | "file" | "joined" | "emergency" | "record" | "patient" | "state" | "log" | "tried";
  /** Role or profession; operator, service or system for what is no person of the staff; empty if not known. */
  readonly role: string;
  /** Of staff; else empty. */
  readonly name: string;
  /** By the person themselves. */
  readonly own: boolean;
}

export interface Sightings {
  readonly sightings: readonly Sighting[];
  /** Of the page before; absent on the last. */
  readonly next?: string;
}

export type DevicesAsk = "" | "seen" | "log" | "log/checkpoint" | "log/proof" | "log/growth";

/** A device that holds a conversation's keys, as the group's own tree has it. */
export interface Leaf {
  readonly person: PersonId;
  readonly device: string;
  readonly role: string;
  /** Of its key, as the audit log names one: SHA-256, base64url. */
  readonly key: string;
}

export interface OpenOptions {
  /** Made by the page: to open it twice is to open it once. */
  readonly id: ConversationId;
  readonly queue: string;
  readonly language: string;
  /** What the patient wants to be called; goes only into the group. */
  readonly name: string;
  /** One for each form that stands before the queue, the chat's own first. */
  readonly consents: readonly Agreed[];
  /** The patient leaves a message and does not wait for the answer. */
  readonly leftMessage?: boolean;
  /** A one-time link that the chat begins by, and this browser's secret for it. */
  readonly invitation?: { readonly token: string; readonly holder: string };
  /** The patient writes for somebody else, of an age that they say. */
  readonly writesFor?: { readonly kind: "parent" | "guardian" | "carer" | "representative"; readonly age?: "minor" | "adult" };
}

/** The typed handle: every call settles, also when the worker dies. */
export interface Core {
  start(options: StartOptions): Promise<Started>;
  /** Patient: make a conversation. Resolves as soon as it is kept here; the hub may still be away. */
  open(options: OpenOptions): Promise<ConversationId>;
  /** Resolves as soon as it is kept here. What comes twice by one name is one message. `draft` is what is being typed by then. */
  sendText(conversation: ConversationId, text: string, name: MessageName, draft?: string): Promise<MessageId>;
  sendFile(conversation: ConversationId, file: Blob, info: FileInfo, name: MessageName): Promise<MessageId>;
  retry(message: MessageId): Promise<void>;
  /** Drop a message that has not been sent, or stop its upload; of one that was sent, stop the download of its file. */
  cancel(message: MessageId): Promise<void>;
  /** Take an own message back, on all screens that can be reached. */
  recall(message: MessageId, reason?: RecallReason): Promise<void>;
  /** Oldest first; `before` is a position, absent for the newest page. */
  lines(conversation: ConversationId, before?: number, limit?: number): Promise<readonly Line[]>;
  openFile(message: MessageId): Promise<Blob>;
  markRead(conversation: ConversationId, position: number): Promise<void>;
  setTyping(conversation: ConversationId, typing: boolean): Promise<void>;
  saveDraft(conversation: ConversationId, text: string): Promise<void>;
  /** Six groups of five digits, the same on both sides. */
  safetyCode(conversation: ConversationId, person: PersonId): Promise<string>;
  /** Every device that holds the conversation's keys, this one too. */
  leaves(conversation: ConversationId): Promise<readonly Leaf[]>;
  /** What the audit log says of the certificates of a person in it: an api.AuditPage. */
  certificates(conversation: ConversationId, person: PersonId, cursor?: string): Promise<{ answer: unknown } | { refused: string }>;
  act(
    conversation: ConversationId,
    act: "take" | "take-over" | "join" | "leave" | "close" | "reopen" | "withdraw",
    /** A supervisor's, who goes into what others have. */
    why?: Why,
  ): Promise<void>;
  /** Patient: agree to what has changed in a conversation or, with an empty id, to what goes beyond one. */
  agree(conversation: ConversationId | "", consents: readonly Agreed[]): Promise<void>;
  /** Patient: what I agreed to, newest first, and could. */
  agreements(): Promise<Agreements>;
  /** Patient: who saw my messages, newest first. */
  sightings(cursor?: string): Promise<Sightings>;
  /**
   * What speaks for me, what the audit log says of it, and what proves that it
   * does, of this or of anything in the log; "seen" says that this device has
   * shown it. Answers are those of /v1/devices.
   */
  devices(ask: DevicesAsk, query?: string): Promise<{ answer: unknown } | { refused: string }>;
  /** Patient: take one back. What a chat stands on closes it. */
  takeBack(agreement: string): Promise<void>;
  /** Patient: how a closed conversation was, 1 to 5. */
  rate(conversation: ConversationId, score: number): Promise<void>;
  /** Staff: lists come from the hub, newest state also by events. */
  list(box: Box, cursor?: string): Promise<{ conversations: readonly Conversation[]; next?: string; total: number }>;
  /**
   * Patient: one step of showing who one is; "" asks how one stands. Bodies and
   * answers are those of /v1/verification.
   */
  identify(step: IdentifyStep, body?: object): Promise<{ answer: unknown } | { refused: string }>;
  /** Patient: this device's signature for a new passkey, by its public key (COSE). */
  introduce(key: Uint8Array): Promise<Uint8Array>;
  /**
   * Patient: a passkey signed for this device's key (an api.PasskeyAssertion). A
   * new device becomes one of the patient's; one of theirs is signed in.
   */
  comeBack(assertion: object): Promise<{ answer: unknown } | { refused: string }>;
  /** Forget everything this device holds, keys first. */
  forget(): Promise<void>;
  subscribe(listener: (event: CoreEvent) => void): Promise<void>;
}

export type CoreEvent =
  | { kind: "connection"; connection: Connection; queued: number }
  | { kind: "conversation"; conversation: Conversation }
  | { kind: "line"; line: Line }
  | { kind: "line-removed"; conversation: ConversationId; id: string }
  | { kind: "emergency" } // staff: there is an emergency access to review, or no longer
  | { kind: "devices" } // another device speaks for the person
  | { kind: "verification"; conversation: ConversationId | "" } // patient: staff ask there, or the level has changed
  | { kind: "leading"; leading: boolean } // which of several tabs runs the core
  | { kind: "failed"; failure: Failure }; // the worker cannot go on
