// What a signed-in staff person works with: the inbox, the open conversation
// and what the core reports. Screens read it; it draws nothing and holds no
// words, only the names of messages.

import { failureOf } from "../core/shared/failure.ts";
import { newMessageName } from "../core/shared/names.ts";
import type {
  Box,
  Connection,
  Conversation,
  ConversationId,
  Core,
  CoreEvent,
  Failure,
  Keeping,
  Line,
  Member,
  Message,
  MessageId,
  MessageName,
  PersonId,
  RecallReason,
  Why,
} from "../core/shared/protocol.ts";
import { Staging, type ReadyFile } from "../ui/files/staging.svelte.ts";
import type { WordKey, WordValues } from "../ui/words.svelte.ts";
import type { Practice, StaffSession } from "../staff/account.ts";
import { change, settings } from "../staff/preferences.svelte.ts";
import { Logged } from "./logged.ts";
import {
  applyConversation,
  applyPage,
  boxOf,
  emptyInbox,
  inBox,
  moved,
  setFailed,
  setLoading,
  takesPart,
  unreadTotal,
  type Inbox,
} from "./model/boxes.ts";
import { failureWords } from "./model/failures.ts";
import { memberOf, patientName } from "./model/names.ts";
import { boxes } from "./model/route.ts";
import { UndoQueue, type Clock } from "./model/undo.ts";
import type { Patients } from "./patients.ts";
import { Thread } from "./thread.svelte.ts";

export type Act = "take" | "take-over" | "join" | "leave" | "close" | "reopen";

export interface Toast {
  readonly id: number;
  readonly tone: "plain" | "good" | "bad";
  readonly key: WordKey;
  readonly values?: WordValues;
}

/** Somebody else was faster, or took a chat of this person's over: shown above the list. */
export interface Taken {
  readonly conversation: Conversation;
  /** Empty if not known. */
  readonly name: string;
  readonly at: number;
  /** This person had it: it stays until they have read it. */
  readonly over?: true;
}

/** What a screen reader, a speaker or a desktop notice may be told about. */
export type News =
  | { kind: "message"; message: Message; conversation: Conversation | undefined }
  | { kind: "waiting"; conversation: Conversation }
  | { kind: "emergency" }
  | { kind: "typing"; conversation: Conversation; person: PersonId };

export interface DeskOptions {
  readonly core: Core;
  readonly session: StaffSession;
  readonly practice: Practice | undefined;
  readonly deviceName: string;
  readonly clock: Clock;
  readonly news: (news: News) => void;
  /** What is done about patients as persons; absent where there is no server. */
  readonly patients?: Patients;
  /** What waits for this person, by the server: emergency accesses to review, devices that they have not seen. */
  readonly look?: () => Promise<Waiting | undefined>;
}

/** What the server says that waits for a person, with each answer about their session. */
export type Waiting = Pick<StaffSession, "emergencies" | "new_devices" | "new_sign_ins" | "stated_grants">;

const undoMs = 10_000;
const toastMs = 6_000;
const takenMs = 20_000;
const refreshMs = 800;
/** If the practice does not say. */
const usualFileBytes = 20_000_000;

export class Desk {
  readonly core: Core;
  readonly session: StaffSession;
  readonly practice: Practice | undefined;
  readonly deviceName: string;
  readonly patients: Patients | undefined;
  /** Whether who reads a chat is in the practice's log. */
  readonly logged: Logged;

  phase = $state<"preparing" | "ready" | "failed">("preparing");
  failure = $state<Failure>();
  keeping = $state<Keeping>("saved");
  coreStartMs = $state(0);
  /** This browser's public key, for a passkey to vouch for. */
  deviceKey = $state.raw<Uint8Array>();
  connection = $state<Connection>("connecting");
  queued = $state(0);
  leading = $state(true);
  inbox = $state.raw<Inbox>(emptyInbox());
  toasts = $state.raw<readonly Toast[]>([]);
  taken = $state.raw<readonly Taken[]>([]);
  /** Conversations that close when their time to undo is over, and when that is. */
  closing = $state.raw<ReadonlyMap<ConversationId, number>>(new Map());
  /** Acts that are on their way. */
  busy = $state.raw<ReadonlyMap<ConversationId, Act>>(new Map());
  /** Chats that this person went into in an emergency, and until when. */
  emergencies = $state.raw<ReadonlyMap<ConversationId, number>>(new Map());
  /** Why this person is about to go into a chat, as far as it is typed: a lock takes it off the page, and no further. */
  readonly glass = new Map<ConversationId, { reason: "danger" | "absent" | "urgent" | "other" | undefined; words: string }>();
  /** Emergency accesses that this person has been told of and nobody has reviewed. */
  toReview = $state(0);
  /** Grants of which somebody else said that this person agreed. */
  private stated = $state.raw<StaffSession["stated_grants"]>([]);
  /** Of which it was said that this person agreed to them, and they did not say so yet. */
  readonly statedGrants = $derived(this.stated.filter(({ relation }) => !settings().agreedGrants.includes(relation.id)));
  /** Other devices that speak for this person, and that they have not seen yet. */
  newDevices = $state(0);
  /** Sign-ins that this person has not said yet that they know. */
  newSignIns = $state(0);
  /** How often this page has ended another session: what lists them looks again. */
  ended = $state(0);
  openId = $state<ConversationId>();
  /** The message that somebody thinks of taking back. */
  recalling = $state.raw<Message>();
  /** Text that could not be kept by the core and goes back into its field. */
  returned = $state.raw<{ conversation: ConversationId; text: string }>();
  unread = $derived(unreadTotal(this.inbox));

  private readonly clock: Clock;
  private readonly look: DeskOptions["look"];
  private readonly news: (news: News) => void;
  private readonly threads = new Map<ConversationId, Thread>();
  private readonly letGo = new Set<ConversationId>();
  private readonly drafts = new Map<ConversationId, string>();
  private readonly people = new Map<PersonId, Member>();
  private readonly marked = new Map<ConversationId, number>();
  private readonly stagings = new Map<ConversationId, Staging>();
  private readonly names = new Map<string | Blob, MessageName>();
  private readonly draftTimers = new Map<ConversationId, () => void>();
  private readonly undo: UndoQueue<ConversationId>;
  /** What an event last said of each. */
  private readonly said = new Map<ConversationId, Conversation>();
  private settled: Promise<unknown> = Promise.resolve();
  private looks = 0;
  private answered = 0;
  private nextToast = 1;
  private refreshing = new Set<Box>();
  private stopRefresh: (() => void) | undefined;

  constructor(options: DeskOptions) {
    this.core = options.core;
    this.session = options.session;
    this.practice = options.practice;
    this.logged = new Logged(options.core, options.session.practice);
    this.deviceName = options.deviceName;
    this.patients = options.patients;
    this.clock = options.clock;
    this.news = options.news;
    this.toReview = options.session.emergencies;
    this.stated = options.session.stated_grants;
    this.newDevices = options.session.new_devices;
    this.newSignIns = options.session.new_sign_ins;
    this.look = options.look;
    this.inbox = emptyInbox(options.session.person.id as PersonId);
    this.undo = new UndoQueue({
      clock: options.clock,
      ms: undoMs,
      carryOut: (id) => this.settles(this.act(id, "close")),
      changed: (waiting) => (this.closing = new Map(waiting.map((w) => [w.what, w.until]))),
    });
  }

  get me(): PersonId {
    return this.session.person.id as PersonId;
  }

  /** Starts the core. A browser that is new here waits until it is confirmed. */
  async start(): Promise<void> {
    try {
      await this.core.subscribe((event) => this.receive(event));
      const started = await this.core.start({
        surface: "staff",
        practice: this.session.practice,
        person: this.me,
        memoryOnly: false,
        deviceName: this.deviceName,
      });
      this.keeping = started.keeping;
      this.coreStartMs = started.coreStartMs;
      this.deviceKey = started.deviceKey;
      for (const c of started.conversations) {
        this.remember(c);
        this.inbox = applyConversation(this.inbox, c);
      }
      // A browser that has been here before can show what it keeps at once.
      if (started.me !== undefined || this.connection === "online") await this.ready();
    } catch (error) {
      this.fail(failureOf(error));
    }
  }

  private async ready(): Promise<void> {
    if (this.phase === "ready") return;
    this.phase = "ready";
    await Promise.all(boxes.map((box) => this.load(box)));
  }

  private fail(failure: Failure): void {
    if (failure === "signed-out") {
      this.connection = "signed-out";
      return;
    }
    this.failure = failure;
    this.phase = "failed";
  }

  receive(event: CoreEvent): void {
    switch (event.kind) {
      case "connection":
        this.connected(event.connection, event.queued);
        break;
      case "conversation":
        this.conversationChanged(event.conversation);
        break;
      case "line":
        this.lineCame(event.line);
        break;
      case "line-removed":
        this.threads.get(event.conversation)?.drop(event.id);
        break;
      case "emergency":
      case "devices":
        void this.lookForWork();
        break;
      case "leading":
        this.leading = event.leading;
        break;
      case "failed":
        this.fail(event.failure);
        break;
    }
  }

  private connected(connection: Connection, queued: number): void {
    const before = this.connection;
    this.connection = connection;
    this.queued = queued;
    if (connection !== "online" || before === "online") return;
    void this.lookForWork(); // what was said meanwhile is lost
    if (this.phase === "preparing") void this.ready();
    else if (this.phase === "ready") for (const box of boxes) this.refreshSoon(box);
  }

  private async lookForWork(): Promise<void> {
    if (!this.look) return;
    const turn = ++this.looks;
    try {
      const found = await this.look();
      if (turn < this.answered) return; // a later answer came first
      this.answered = turn;
      this.told(found);
    } catch {
      // Asked again with the next word of the hub, and whenever the page loads.
    }
  }

  /** This person has answered for a grant: they agreed, or took it back. */
  answerGrant(id: string, agreed: boolean): void {
    if (agreed) change({ agreedGrants: [...settings().agreedGrants, id].slice(-100) });
    else this.stated = this.stated.filter(({ relation }) => relation.id !== id);
  }

  /** The server has said what waits for this person. */
  told(found: Waiting | undefined): void {
    const before = this.toReview;
    this.toReview = found?.emergencies ?? 0;
    this.stated = found?.stated_grants ?? [];
    this.newDevices = found?.new_devices ?? 0;
    this.newSignIns = found?.new_sign_ins ?? 0;
    if (this.toReview > before) this.news({ kind: "emergency" });
  }

  /** A member with a name, from whatever chat, also after they have left. */
  remembered(person: PersonId): Member | undefined {
    return this.people.get(person);
  }

  private remember(c: Conversation): void {
    for (const member of c.members) if (member.name) this.people.set(member.person, member);
  }

  private conversationChanged(c: Conversation): void {
    this.said.set(c.id, c);
    this.remember(c);
    const before = this.inbox.byId.get(c.id);
    const hasMoved = moved(this.inbox, c);
    this.inbox = applyConversation(this.inbox, c);
    if (hasMoved && this.phase === "ready") {
      this.refreshSoon(boxOf(c, this.me));
      if (before) this.refreshSoon(boxOf(before, this.me));
      else if (c.state === "waiting") this.news({ kind: "waiting", conversation: c });
    }
    if (before?.state === "waiting" && c.state === "open" && c.assignee !== undefined && c.assignee !== this.me) {
      this.takenByOther(c);
    }
    const hadIt = before?.assignee === this.me;
    if (hadIt && c.state === "open" && c.assignee !== undefined && c.assignee !== this.me) {
      if (!this.letGo.delete(c.id)) this.taken = [...this.taken.filter((t) => t.conversation.id !== c.id), { conversation: c, name: "", at: this.clock.now(), over: true }];
    } else if (!hadIt && c.assignee === this.me) this.letGo.delete(c.id);
    if (c.joined && before?.joined === false && (c.id === this.openId || this.threads.has(c.id))) {
      void this.thread(c.id).reload();
    }
    for (const person of c.typing) {
      if (!before?.typing.includes(person) && person !== this.me && c.id === this.openId) {
        this.news({ kind: "typing", conversation: c, person });
      }
    }
  }

  private takenByOther(c: Conversation): void {
    const known = this.taken.find((t) => t.conversation.id === c.id);
    const name = memberOf(c, c.assignee)?.name ?? "";
    const at = known?.at ?? this.clock.now();
    this.taken = [...this.taken.filter((t) => t !== known), { conversation: c, name, at }];
    if (!known) this.clock.after(takenMs, () => this.dismissTaken(c.id));
  }

  dismissTaken(id: ConversationId): void {
    this.taken = this.taken.filter((t) => t.conversation.id !== id);
  }

  private lineCame(line: Line): void {
    const id = line.type === "message" ? line.message.conversation : line.line.conversation;
    const thread = this.threads.get(id);
    const known = thread?.has(line) ?? false;
    thread?.take(line);
    if (line.type === "message" && !line.message.mine && !line.message.shared && !known) {
      this.news({ kind: "message", message: line.message, conversation: this.inbox.byId.get(id) });
    }
  }

  // Lists

  list(box: Box): readonly Conversation[] {
    return inBox(this.inbox, box);
  }

  async load(box: Box, more = false): Promise<void> {
    const cursor = more ? this.inbox.boxes[box].next : undefined;
    if (more && cursor === undefined) return;
    if (this.inbox.boxes[box].status !== "ready" || more) this.inbox = setLoading(this.inbox, box);
    const said = new Map(this.said);
    try {
      const page = await this.core.list(box, cursor);
      for (const c of page.conversations) this.remember(c);
      this.inbox = applyPage(this.inbox, box, page, !more, (id) => this.said.get(id) !== said.get(id));
    } catch (error) {
      const failure = failureOf(error);
      if (failure === "signed-out") this.fail(failure);
      this.inbox = setFailed(this.inbox, box);
    }
  }

  // Events move single conversations at once; the hub's own counts follow a
  // little later, once for a burst of events.
  private refreshSoon(box: Box): void {
    this.refreshing.add(box);
    this.stopRefresh ??= this.clock.after(refreshMs, () => {
      this.stopRefresh = undefined;
      const now = [...this.refreshing];
      this.refreshing.clear();
      for (const one of now) void this.load(one);
    });
  }

  // The open conversation

  conversation(id: ConversationId | undefined): Conversation | undefined {
    return id === undefined ? undefined : this.inbox.byId.get(id);
  }

  /** The log of a conversation that this device can read. */
  thread(id: ConversationId): Thread {
    let thread = this.threads.get(id);
    if (!thread) {
      thread = new Thread(this.core, id);
      this.threads.set(id, thread);
    }
    return thread;
  }

  /** Shows a conversation, or none. Its log stays in memory once loaded. */
  async show(id: ConversationId | undefined): Promise<void> {
    if (id === this.openId) return;
    if (this.openId !== undefined) {
      this.saveDraftNow(this.openId);
      this.threads.get(this.openId)?.leave();
    }
    this.openId = id;
    const c = this.conversation(id);
    // Whoever was in it may read what this browser kept of it.
    if (!id || !c || (!c.joined && patientName(c) === "")) return;
    const thread = this.thread(id);
    await thread.load();
    if (this.openId !== id) return;
    thread.open(c.unread);
    if (c.unread === 0) this.marked.set(id, thread.newestOfOthers() ?? 0);
  }

  /** Everything up to the newest message has been seen. Said once for each. */
  seen(id: ConversationId): void {
    const c = this.inbox.byId.get(id);
    const position = this.threads.get(id)?.newestOfOthers();
    if (!c?.joined || position === undefined || position <= (this.marked.get(id) ?? 0)) return;
    this.marked.set(id, position);
    this.core.markRead(id, position).catch(() => this.marked.delete(id));
  }

  // Acts

  canTake(c: Conversation): boolean {
    return c.state === "waiting" && c.consent !== "withdrawn";
  }

  takesPart(c: Conversation): boolean {
    return takesPart(c, this.me);
  }

  /** In by an emergency, and to read, write and leave alone. */
  inEmergency(c: Conversation): boolean {
    const me = c.members.find((m) => m.person === this.me);
    return me ? me.emergency === true : c.joining && this.emergencies.has(c.id);
  }

  /** True if it went through. What went wrong is told. */
  async act(id: ConversationId, act: Act, why?: Why): Promise<boolean> {
    if (this.busy.has(id)) return false;
    this.busy = new Map(this.busy).set(id, act);
    if (act === "leave") this.lets(id);
    try {
      await this.core.act(id, act, ...(why ? [why] : []));
      if (act === "close") this.toast("good", "console.act.closed");
      if (act === "leave") this.toast("plain", "console.act.left");
      return true;
    } catch (error) {
      this.letGo.delete(id);
      this.actFailed(id, failureOf(error));
      return false;
    } finally {
      const busy = new Map(this.busy);
      busy.delete(id);
      this.busy = busy;
    }
  }

  private actFailed(id: ConversationId, failure: Failure): void {
    if (failure === "signed-out") return this.fail(failure);
    if (failure === "taken") {
      this.refreshSoon("waiting");
      this.refreshSoon("team");
      const c = this.inbox.byId.get(id);
      if (c) {
        this.takenByOther(c);
        return;
      }
    }
    this.toast("bad", failureWords(failure));
  }

  /** This person lets a chat go: who answers it from now on is no news to them. */
  lets(id: ConversationId): void {
    this.letGo.add(id);
  }

  /** Closes in ten seconds, unless it is taken back. */
  closeSoon(id: ConversationId): void {
    const c = this.inbox.byId.get(id);
    if (!c?.joined || c.state !== "open" || this.closing.has(id) || this.inEmergency(c)) return;
    this.undo.add(id);
  }

  /** Takes the closing of that chat back, or of the newest. */
  undoClose(id?: ConversationId): void {
    const undone = this.undo.undo(id === undefined ? undefined : (what) => what === id);
    if (undone !== undefined) this.toast("plain", "console.act.undone");
  }

  /** The page goes away: what was to be done later is done now. Settled once it is. */
  flush(): Promise<unknown> {
    this.undo.flush();
    for (const id of this.drafts.keys()) this.saveDraftNow(id);
    return this.settled;
  }

  private settles(work: Promise<unknown>): void {
    this.settled = Promise.allSettled([this.settled, work]);
  }

  // Writing

  draft(id: ConversationId): string {
    return this.drafts.get(id) ?? this.inbox.byId.get(id)?.draft ?? "";
  }

  setDraft(id: ConversationId, text: string): void {
    for (const kept of this.names.keys()) if (typeof kept === "string" && kept.startsWith(`${id} `) && kept !== `${id} ${text}`) this.names.delete(kept);
    this.drafts.set(id, text);
    this.draftTimers.get(id)?.();
    this.draftTimers.set(
      id,
      this.clock.after(500, () => this.saveDraftNow(id)),
    );
  }

  private forgetTimer(id: ConversationId): boolean {
    this.draftTimers.get(id)?.();
    return this.draftTimers.delete(id);
  }

  private saveDraftNow(id: ConversationId): void {
    if (!this.forgetTimer(id)) return;
    this.settles(this.core.saveDraft(id, this.drafts.get(id) ?? ""));
  }

  /** The files that are chosen and not sent yet. */
  staging(id: ConversationId): Staging {
    let staging = this.stagings.get(id);
    if (!staging) {
      staging = new Staging(() => this.practice?.max_file_bytes || usualFileBytes);
      this.stagings.set(id, staging);
    }
    return staging;
  }

  /**
   * Sends what is typed, then the files, in this order. What the core cannot
   * keep comes back to where it was.
   */
  send(id: ConversationId, text: string): Promise<boolean> {
    const work = this.hand(id, text);
    this.settles(work);
    return work;
  }

  private async hand(id: ConversationId, text: string): Promise<boolean> {
    const staging = this.staging(id);
    const files = staging.take();
    const name = this.nameOf(`${id} ${text}`);
    this.setDraft(id, "");
    // The core lets go of the draft as it takes the text, and not before.
    if (text === "") this.saveDraftNow(id);
    else this.forgetTimer(id);
    let left: readonly ReadyFile[] = files;
    try {
      if (text !== "") await this.core.sendText(id, text, name);
      text = "";
      for (const file of files) {
        await this.sendFile(id, file);
        left = left.slice(1);
      }
      return true;
    } catch (error) {
      if (text !== "") this.giveBack(id, text, name);
      staging.files = [...left, ...staging.files];
      this.tell(error);
      return false;
    }
  }

  private async sendFile(id: ConversationId, file: ReadyFile): Promise<void> {
    const name = this.nameOf(file.blob);
    try {
      await this.core.sendFile(id, file.blob, file.info, name);
    } catch (error) {
      this.names.set(file.blob, name);
      throw error;
    }
  }

  // What comes back and is sent again may have been taken after all: it keeps its
  // name, for that once. What is typed anew, in the same words too, has another.
  private nameOf(what: string | Blob): MessageName {
    const name = this.names.get(what) ?? newMessageName();
    this.names.delete(what);
    return name;
  }

  private giveBack(id: ConversationId, text: string, name: MessageName): void {
    if (this.draft(id) === "") this.setDraft(id, text);
    this.names.set(`${id} ${text}`, name);
    this.returned = { conversation: id, text };
  }

  /** A hint to the others; if it is lost nothing is. */
  typing(id: ConversationId, typing: boolean): void {
    this.core.setTyping(id, typing).catch(() => undefined);
  }

  /** True if a message is this person's and can still be taken back. */
  mayRecall(message: Message, now: number): boolean {
    if (!message.mine || message.position === undefined || message.recalling || message.body.kind === "recalled") return false;
    const c = this.inbox.byId.get(message.conversation);
    if (!c?.joined || c.state === "closed" || c.consent === "withdrawn") return false;
    return now - message.at < (this.practice?.recall_minutes ?? 0) * 60_000;
  }

  /** Asks whether to take the newest of this person's messages back. */
  askRecallLast(id: ConversationId): void {
    const now = this.clock.now();
    const found = this.thread(id).lines.findLast((line) => line.type === "message" && this.mayRecall(line.message, now));
    if (found?.type === "message") this.recalling = found.message;
    else this.toast("plain", "console.recall.none");
  }

  /** True if it is on its way. What went wrong is told. */
  async recall(id: MessageId, reason: RecallReason): Promise<boolean> {
    try {
      await this.core.recall(id, reason);
      return true;
    } catch (error) {
      this.tell(error);
      return false;
    }
  }

  retry(id: MessageId): void {
    this.core.retry(id).catch((error: unknown) => this.tell(error));
  }

  cancel(id: MessageId): void {
    this.core.cancel(id).catch((error: unknown) => failureOf(error) !== "not-found" && this.tell(error)); // it was too late to stop it
  }

  tell(error: unknown): void {
    const failure = failureOf(error);
    if (failure === "signed-out") this.fail(failure);
    else this.toast("bad", failureWords(failure));
  }

  // Toasts

  toast(tone: Toast["tone"], key: WordKey, values?: WordValues): void {
    const toast: Toast = { id: this.nextToast++, tone, key, ...(values ? { values } : {}) };
    this.toasts = [...this.toasts.filter((t) => t.key !== key), toast].slice(-3);
    // An error stays until it is dismissed: nobody reads against a clock.
    if (tone !== "bad") this.clock.after(toastMs, () => this.dismiss(toast.id));
  }

  dismiss(id: number): void {
    this.toasts = this.toasts.filter((t) => t.id !== id);
  }
}
