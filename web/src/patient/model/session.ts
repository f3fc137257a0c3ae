// A patient's visit: from the first screen to the end of a chat. It knows the
// core by its interface and the browser by small functions, so that it runs in
// tests without a page. What it holds is shown by the components; what it does
// is asked for by them.

import { failureOf } from "../../core/shared/failure.ts";
import { newConversationId } from "../../core/shared/names.ts";
import type {
  Agreed,
  Conversation,
  ConversationId,
  Core,
  CoreEvent,
  FileInfo,
  IdentifyStep,
  Line,
  Member,
  Message,
  OpenOptions,
  PersonId,
} from "../../core/shared/protocol.ts";
import { after, type Facts, type Happening } from "./flow.ts";
import type { Invitation } from "./invitation.ts";
import { formsOf, hasAgreed, nextForm, noteAgreed } from "./agreed.ts";
import { passingMemo } from "./memo.ts";
import { tellsOfDevice } from "./newdevice.ts";
import { consentBytes, consentIn, parsePractice, PracticeError, textIn, type ConsentForm, type Practice } from "./practice.ts";
import { Outgoing } from "./outgoing.ts";
import { Reading } from "./reading.ts";
import { atRisk } from "./risk.ts";
import { beginning, type AboutMe, type Signal, type State } from "./state.ts";
import { readBefore, Thread } from "./thread.ts";
import type { Unkept, UnkeptChat } from "./unkept.ts";
import type { World } from "./world.ts";

export type { AboutMe, Signal, State } from "./state.ts";

const pageLines = 50;

const reasonOf = (error: unknown): "unreachable" | "not-found" => (error instanceof PracticeError ? error.reason : "unreachable");

export class Session {
  private current: State;
  private core: Core | undefined;
  private starting: Promise<boolean> | undefined;
  private memoryOnly = false;
  private storage: boolean | undefined;
  private about: AboutMe | undefined;
  private leaving = false;
  private fromMemo = false;
  private returning = false;
  private deviceKey: Uint8Array | undefined;
  private conversationId: ConversationId | undefined;
  /** The chat that is being opened, or was. */
  private wanted: ConversationId | undefined;
  private asked: Promise<OpenOptions> | undefined;
  private readonly latest = new Map<ConversationId, Conversation>();
  private readonly thread = new Thread();
  private readonly outgoing: Outgoing;
  private readonly watchers = new Set<() => void>();
  private readonly signals = new Set<(signal: Signal) => void>();
  private readonly reading = new Reading();

  constructor(private readonly world: World) {
    this.current = beginning();
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const session = this;
    this.outgoing = new Outgoing(this.thread, {
      get core() {
        return session.core;
      },
      get unkept() {
        return session.unkept;
      },
      get conversation() {
        return session.conversationId;
      },
      get chat() {
        return session.conversationId ?? session.wanted;
      },
      get asked() {
        return session.asked;
      },
      known: (id) => session.latest.get(id),
      now: () => world.now(),
      changed: () => this.set({ lines: this.thread.lines }),
      notSent: () => this.signal({ kind: "not-sent" }),
      givenBack: () => this.set({ givenBack: true }),
    });
  }

  get state(): State {
    return this.current;
  }

  /** What a chat needs to know of the person before all of it is there, so that nothing moves when it is. */
  get asksWho(): boolean {
    const queue = this.current.practice?.queues.find(({ id }) => id === this.about?.queue);
    return this.about ? queue !== undefined && queue.level !== "guest" : this.world.memo.asksWho;
  }

  set asksWho(asks: boolean) {
    this.world.memo.asksWho = asks;
  }

  /** Calls back after each change, until the returned function is called. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }

  onSignal(listener: (signal: Signal) => void): () => void {
    this.signals.add(listener);
    return () => this.signals.delete(listener);
  }

  /** Loads the practice and shows the first screen. */
  async boot(): Promise<void> {
    this.set({ screen: { at: "loading" } });
    const { memo } = this.world;
    // Back in a chat of this tab: it opens with what the practice last said of
    // itself, beside asking what it says now.
    const known = memo.inChat ? this.remembered() : undefined;
    const asked = this.practice();
    if (known) {
      asked.then(
        (practice) => this.set({ practice }),
        (error: unknown) => this.happen({ kind: "no-practice", reason: reasonOf(error) }),
      );
    }
    try {
      const [practice, storage, before] = await Promise.all([known ?? asked, this.world.storageWorks(), this.outgoing.restore()]);
      this.storage = storage;
      this.set({ practice: this.current.practice ?? practice });
      // A chat that was asked for before the page went is opened after all, if
      // something was sent to it or the page only loads again.
      if (before?.chat && (before.waits || memo.inChat) && storage && this.world.supported()) this.resume(before.chat);
      this.happen({ kind: "practice" });
      // A chat that is kept here is unlocked while the person finds their way.
      if (this.about) await this.open();
      else if (memo.hasChat && storage && this.world.supported()) await this.start();
    } catch (error) {
      this.happen({ kind: "no-practice", reason: reasonOf(error) });
    }
  }

  private resume({ about, options }: UnkeptChat): void {
    this.about = about;
    this.wanted = options.id;
    this.asked = Promise.resolve(options);
    this.leaving = options.leftMessage === true;
  }

  /** What the practice last said of itself to whoever has a chat here. */
  private remembered(): Practice | undefined {
    const { memo } = this.world;
    try {
      return memo.hasChat ? parsePractice(memo.practice) : undefined;
    } catch {
      return undefined;
    }
  }

  // Whoever has a chat here can open it without a network.
  private async practice(): Promise<Practice> {
    const { memo } = this.world;
    try {
      const practice = await this.world.loadPractice(this.world.slug);
      this.fromMemo = false;
      if (memo.hasChat) memo.practice = practice;
      return practice;
    } catch (error) {
      const known = reasonOf(error) === "unreachable" ? this.remembered() : undefined;
      if (!known) throw error;
      this.fromMemo = true;
      return known;
    }
  }

  /** To chat, or to leave a message for when somebody is there. */
  begin(leaving = false): void {
    this.leaving = leaving;
    this.happen({ kind: "start" });
  }

  /** True if a message is left and not waited for. */
  get isLeaving(): boolean {
    return this.leaving;
  }

  /** A one-time link brought the person here; undefined if it does not work. */
  invite(invitation: Invitation | undefined): void {
    this.set({ invitation: invitation ?? "over" });
  }

  happen(happening: Happening): void {
    const declined = happening.kind === "decline" && (this.current.asking ?? this.current.practice?.consent);
    if (declined) this.world.noteDeclined(this.world.slug, declined);
    const screen = after(this.current.screen, happening, this.facts());
    if (screen.at === "consent") this.warm();
    this.world.memo.inChat = screen.at === "chat" && !this.memoryOnly;
    if (screen !== this.current.screen) this.set({ screen, ...(screen.at === "welcome" && { asking: undefined }) });
  }

  keepInMemory(): void {
    this.memoryOnly = true;
    this.happen({ kind: "keep-in-memory" });
  }

  /** To the form on the screen: the practice's own, or one of the reason. */
  agree(): void {
    const { asking, practice } = this.current;
    const form = asking ?? practice?.consent;
    if (form) noteAgreed(this.world.memo, form);
    if (!asking || !this.about) return this.happen({ kind: "agree" });
    this.set({ asking: undefined });
    void this.tellAboutMe(this.about);
  }

  // The exact text that was shown, whatever hash came with it.
  private async agreed(form: ConsentForm): Promise<Agreed> {
    const { practice } = this.current;
    const shown = practice && textIn(form, practice, this.world.language());
    if (!shown) throw new PracticeError("unreachable");
    return { form: form.id, kind: form.kind, version: form.version, language: shown.language, sha256: await this.world.sha256(consentBytes(shown.text)) };
  }

  /** For what loads later: the core, the chat that is open, and what the browser gives. */
  get inside(): {
    core: Core | undefined;
    deviceKey: Uint8Array | undefined;
    conversation: Conversation | undefined;
    world: World;
    agreed(form: ConsentForm): Promise<Agreed>;
    refreshed(practice: Practice): void;
    noteAgreed(form: ConsentForm): void;
    start(ownDevice: boolean): Promise<boolean>;
    returned(): void;
    sawDevices(): void;
  } {
    return {
      core: this.core,
      deviceKey: this.deviceKey,
      conversation: this.current.conversation,
      world: this.world,
      agreed: (form) => this.agreed(form),
      refreshed: (practice) => this.set({ practice }),
      noteAgreed: (form) => noteAgreed(this.world.memo, form),
      start: (ownDevice) => {
        if (!ownDevice) this.memoryOnly = true;
        return this.start();
      },
      returned: () => (this.returning = true),
      sawDevices: () => this.set({ newDevice: false }),
    };
  }

  // The chats of who came back with a passkey come one by one, as the practice
  // lets this device in. The newest that goes on is shown.
  private welcomeBack(conversation: Conversation): void {
    const shown = this.conversationId && this.latest.get(this.conversationId);
    if (!conversation.joined || (shown && (shown.state !== "closed" || conversation.state === "closed"))) return;
    this.thread.clear();
    if (!this.memoryOnly) this.world.memo.hasChat = true;
    this.enter(conversation.id, false);
    if (this.current.screen.at === "welcome") this.happen({ kind: "continue" });
  }

  /** True if the chat that is being unlocked was had before. */
  get cameBack(): boolean {
    return this.world.memo.hasChat && this.about === undefined;
  }

  /** True if the question whose device this is has an answer already. */
  get deviceIsKnown(): boolean {
    return this.memoryOnly || this.world.memo.hasChat || this.current.started;
  }

  /** The last step before the chat. What is typed from now on goes out by itself. */
  async tellAboutMe(about: AboutMe): Promise<void> {
    this.about = about;
    const { practice } = this.current;
    const next = practice && nextForm(this.world.memo, practice, about);
    // One that cannot be had now the hub asks for: it lets nothing through without.
    const asking = next && (await this.world.loadForm(this.world.slug, next.id, next.version).catch(() => undefined));
    if (asking) {
      this.set({ asking });
      return this.happen({ kind: "ask" });
    }
    if (about.ownDevice === false) {
      this.memoryOnly = true;
      this.outgoing.forget(); // what was found here is somebody else's
      void this.world.unkept?.forget().catch(() => undefined);
    }
    this.outgoing.flush();
    this.conversationId = this.asked = undefined;
    this.wanted = newConversationId();
    this.reading.clear();
    this.set({ conversation: undefined, givenBack: false, older: false, readUpTo: undefined, openFailure: undefined });
    this.outgoing.begin();
    this.set({ lines: this.thread.lines });
    this.happen({ kind: "told-about-me" });
    if (!this.leaving) await this.open();
  }

  /** Leaves a message. It goes out by itself, like all that is typed. */
  async leaveMessage(text: string): Promise<void> {
    this.happen({ kind: "left-message" });
    const opening = this.open();
    this.sendText(text);
    await opening;
  }

  private async open(): Promise<void> {
    const { practice } = this.current;
    const { about, wanted } = this;
    const form = practice && consentIn(practice, this.world.language());
    if (!practice || !about || !wanted || !form) return;
    this.set({ openFailure: undefined });
    const asked = (this.asked ??= this.ask(practice, about, wanted));
    asked.catch(() => this.asked === asked && (this.asked = undefined));
    if (!(await this.start()) || !this.core) return;
    try {
      const options = await asked;
      if (wanted !== this.wanted) return; // another was begun instead
      const id = await this.core.open(options);
      if (wanted !== this.wanted) return void this.core.act(id, "close").catch(() => undefined);
      this.set({ invitation: undefined });
      if (!this.memoryOnly) {
        this.world.memo.hasChat = true;
        this.world.memo.practice = practice;
      }
      this.world.memo.inChat = !this.memoryOnly;
      this.enter(id, false);
      void this.unkept?.dropChat().catch(() => undefined);
    } catch (error) {
      if (wanted === this.wanted) this.set({ openFailure: failureOf(error) });
    }
  }

  // The same conversation, however often it is tried, also by the page after this one.
  private async ask(practice: Practice, about: AboutMe, id: ConversationId): Promise<OpenOptions> {
    const invitation = typeof this.current.invitation === "object" ? this.current.invitation : undefined;
    const options: OpenOptions = {
      id,
      queue: about.queue,
      language: this.world.language(),
      name: about.name,
      consents: await Promise.all((await formsOf(this.world, practice, about)).map((one) => this.agreed(one))),
      ...(this.leaving ? { leftMessage: true } : {}),
      ...(invitation ? { invitation: { token: invitation.token, holder: invitation.holder } } : {}),
      ...(about.writesFor ? { writesFor: about.writesFor } : {}),
    };
    if (id === this.wanted) await this.unkept?.putChat({ about, options }).catch(() => undefined);
    return options;
  }

  private get unkept(): Unkept | undefined {
    return this.memoryOnly ? undefined : this.world.unkept;
  }

  async continueChat(): Promise<void> {
    this.happen({ kind: "continue" });
    await this.unlock();
  }

  /** Tries again what keeps the chat from being shown. */
  async unlock(): Promise<void> {
    if (this.about && !this.conversationId) await this.open();
    else await this.start();
  }

  /** Starts the core once. False if it cannot be: the screen then says why. */
  private start(): Promise<boolean> {
    this.starting ??= this.startCore();
    return this.starting;
  }

  /** Lets the core load, which nobody waits for yet. */
  prepare(): void {
    this.warm();
  }

  // Loading begins before the person is done reading.
  private warm(): Core {
    this.core ??= this.world.connect();
    return this.core;
  }

  private async startCore(): Promise<boolean> {
    const core = this.warm();
    this.set({ startingSince: this.world.now() });
    try {
      await core.subscribe((event) => this.receive(event));
      const started = await core.start({
        surface: "patient",
        practice: this.world.slug,
        memoryOnly: this.memoryOnly,
        deviceName: this.world.deviceName,
        ...(this.world.authority ? { authority: this.world.authority } : {}),
      });
      this.deviceKey = started.deviceKey;
      this.set({ started: true, startingSince: undefined, keeping: started.keeping });
      if (started.keeping === "memory") this.memoryOnly = true;
      for (const each of started.conversations) this.latest.set(each.id, each);
      const newest = [...started.conversations].sort((a, b) => Number(b.state !== "closed") - Number(a.state !== "closed") || b.createdAt - a.createdAt)[0];
      if (newest && !this.about) {
        this.meet(newest);
        this.enter(newest.id, true);
        void this.lookForDevices();
      } else if (!this.about) {
        // Nothing is kept here after all.
        this.world.memo.hasChat = false;
        if (this.current.screen.at === "chat") this.happen({ kind: "back" });
      }
      return true;
    } catch (error) {
      const failure = failureOf(error);
      this.set({ startingSince: undefined });
      this.starting = undefined;
      if (failure === "offline") this.set({ connection: "offline", openFailure: failure });
      else this.happen(failure === "storage-blocked" ? { kind: "storage-blocked" } : { kind: "failed", failure });
      if (failure === "storage-blocked") this.storage = false;
      return false;
    }
  }

  // Shows a conversation and sends what was typed for it; `unlocked` if nobody knew till now which it is.
  private enter(id: ConversationId, unlocked: boolean): void {
    const known = this.current.conversation;
    const typed = this.outgoing.draft;
    const instead = this.conversationId !== undefined && this.conversationId !== id;
    if (instead) this.outgoing.flush();
    if (known?.id !== id) this.set({ conversation: this.latest.get(id) });
    this.conversationId = id;
    this.outgoing.opened(unlocked);
    void this.loadLines();
    if (instead || this.outgoing.draft !== typed || (!typed && this.draftText)) this.signal({ kind: "draft", text: this.draftText, instead: instead || typed !== "" });
  }

  private async loadLines(): Promise<void> {
    const id = this.conversationId;
    if (!id || !this.core) return;
    try {
      const lines = await this.core.lines(id, undefined, pageLines);
      if (id !== this.conversationId) return;
      this.thread.merge(lines);
      this.set({ lines: this.thread.lines, older: lines.length >= pageLines, readUpTo: this.current.readUpTo ?? readBefore(lines, this.current.conversation?.unread ?? 0) });
    } catch {
      // Events bring what is new; what is old can be asked for again.
      this.set({ older: true });
    }
  }

  async loadOlder(): Promise<void> {
    const id = this.conversationId;
    const before = this.thread.oldest;
    if (!id || !this.core || !this.current.older) return;
    try {
      const lines = await this.core.lines(id, before, pageLines);
      if (id !== this.conversationId) return;
      this.thread.merge(lines);
      this.set({ lines: this.thread.lines, older: lines.length >= pageLines });
    } catch {
      // The button stays.
    }
  }

  /** Shows it at once and sends it when it can be sent. */
  sendText(text: string): void {
    if (atRisk(text, this.current.practice?.risk_words)) this.set({ atRisk: true });
    this.set({ readUpTo: undefined, givenBack: false });
    this.outgoing.send({ kind: "text", text });
  }

  sendFile(file: Blob, info: FileInfo): void {
    this.set({ readUpTo: undefined });
    this.outgoing.send({ kind: "file", file: info }, file);
  }

  retry(message: Message): Promise<void> {
    return this.outgoing.retry(message);
  }

  cancel(message: Message): Promise<void> {
    return this.outgoing.cancel(message);
  }

  /** True if an own message can be taken back now. */
  mayRecall(message: Message, now: number): boolean {
    const { conversation, practice } = this.current;
    if (!message.mine || message.position === undefined || message.recalling || message.body.kind === "recalled") return false;
    if (conversation?.consent !== "given" || conversation.state === "closed") return false;
    return now - message.at < (practice?.recall_minutes ?? 0) * 60_000;
  }

  /** Throws what the core throws: the caller shows it. */
  async recall(message: Message): Promise<void> {
    await this.core?.recall(message.id);
  }

  /** How the chat was, 1 to 5. Throws what the core throws. */
  async rate(score: number): Promise<void> {
    if (this.core && this.conversationId) await this.core.rate(this.conversationId, score);
  }

  /** Every line of the chat, the oldest first. */
  async allLines(): Promise<readonly Line[]> {
    while (this.current.older) {
      const before = this.thread.oldest;
      await this.loadOlder();
      if (this.thread.oldest === before) break;
    }
    return this.current.lines;
  }

  /** Takes the chat off the screen. What is typed is kept. */
  lock(): void {
    this.flush();
    this.set({ locked: true });
  }

  unhide(): void {
    this.set({ locked: false });
  }

  safe(): void {
    this.set({ atRisk: false });
  }

  async openFile(message: Message): Promise<Blob> {
    const typed = this.thread.typedBy(message.id);
    if (typed?.blob) return typed.blob;
    if (!this.core) throw new Error("no core");
    return this.core.openFile(message.id);
  }

  /** The newest line is on the screen and somebody looks at it. */
  seen(): void {
    if (this.conversationId && this.thread.newest > 0) this.reading.see(this.core, this.conversationId, this.thread.newest);
  }

  /** Nobody looks any more: what comes next is new. */
  lookedAway(): void {
    if (this.reading.position > 0) this.set({ readUpTo: Math.max(this.reading.position, this.thread.newest) });
  }

  get draftText(): string {
    return this.outgoing.draft || (this.current.conversation?.draft ?? "");
  }

  /** Keeps what is being typed, and tells the others that somebody types. */
  setDraft(text: string): void {
    this.outgoing.setDraft(text);
  }

  /** Before the page goes. */
  flush(): void {
    this.outgoing.flush();
  }

  /** Throws what the core throws: the caller shows it. */
  async act(act: "close" | "reopen" | "withdraw"): Promise<void> {
    if (!this.core || !this.conversationId) return;
    await this.core.act(this.conversationId, act);
    if (act === "withdraw") this.world.memo.agreed = undefined;
  }

  async safetyCode(person: PersonId): Promise<string> {
    if (!this.core || !this.conversationId) throw new Error("no chat");
    return this.core.safetyCode(this.conversationId, person);
  }

  /** Forgets everything that this device holds. The page should be loaded anew. Rejects while some of it is still there: to be tried again. */
  async forget(): Promise<void> {
    this.memoryOnly = true; // what the page does on its way out keeps nothing
    this.outgoing.forget();
    await Promise.all([this.core?.forget().catch((error: unknown) => this.world.erase?.() ?? Promise.reject(error as Error)), this.world.unkept?.forget()]);
    Object.assign(this.world.memo, passingMemo());
  }

  /** Once somebody of the staff has answered on the person's own device, and not again. */
  get asksForNotes(): boolean {
    const { keeping, lines, conversation } = this.current;
    if (keeping !== "saved" || this.world.memo.askedNotes || conversation?.state === "closed") return false;
    return lines.some((line) => line.type === "message" && !line.message.mine);
  }

  askedForNotes(): void {
    this.world.memo.askedNotes = true;
    this.set({});
  }

  nameOf(person: PersonId): Member | undefined {
    return this.current.people.get(person);
  }

  /** One step of showing who one is. Undefined if it could not be asked. */
  async identify(step: IdentifyStep, body?: object): Promise<{ answer: unknown } | { refused: string } | undefined> {
    try {
      return await this.core?.identify(step, body);
    } catch {
      return undefined;
    }
  }

  private async lookForDevices(): Promise<void> {
    if (this.conversationId && this.core && (await tellsOfDevice(this.core))) this.set({ newDevice: true });
  }

  private receive(event: CoreEvent): void {
    if (event.kind === "devices") this.set({ newDevice: true });
    if (event.kind === "verification") this.signal({ kind: "verification", asked: event.conversation !== "" });
    switch (event.kind) {
      case "connection": {
        const offline = event.connection === "offline" || event.connection === "connecting";
        const offlineSince = offline ? (this.current.offlineSince ?? this.world.now()) : undefined;
        this.set({ connection: event.connection, offlineSince });
        if (!offline && this.current.openFailure === "offline") void this.unlock();
        if (event.connection === "online") {
          void this.lookForDevices();
          this.reading.again(this.core);
        }
        if (!offline && this.fromMemo) void this.practice().then((practice) => this.set({ practice }), () => undefined);
        break;
      }
      case "conversation":
        this.meet(event.conversation);
        if (this.returning) this.welcomeBack(event.conversation);
        break;
      case "line":
        this.line(event.line);
        break;
      case "line-removed":
        if (event.conversation !== this.conversationId) break;
        this.thread.drop(event.id);
        this.set({ lines: this.thread.lines });
        break;
      case "leading":
        break;
      case "failed":
        this.happen({ kind: "failed", failure: event.failure });
        break;
    }
  }

  private meet(conversation: Conversation): void {
    this.latest.set(conversation.id, conversation);
    const people = new Map(this.current.people);
    for (const member of conversation.members) people.set(member.person, member);
    const before = this.current.conversation;
    const shown = this.conversationId === undefined ? this.about === undefined : conversation.id === this.conversationId;
    this.set({ people, ...(shown ? { conversation } : {}) });
    if (!shown) return;
    if (before?.id === conversation.id && before.state === "closed" && conversation.state !== "closed") this.enter(conversation.id, false);
    if (conversation.place !== undefined && before?.place !== conversation.place) this.signal({ kind: "place", place: conversation.place });
    if (conversation.state === "closed" && before && before.state !== "closed") this.signal({ kind: "ended" });
  }

  private line(line: Line): void {
    if (!this.thread.belongs(line, this.conversationId)) return;
    const key = line.type === "message" ? line.message.id : line.line.id;
    const fresh = !this.thread.has(key);
    this.thread.merge([line]);
    this.set({ lines: this.thread.lines });
    if (line.type === "message") {
      const { message } = line;
      if (fresh && !message.mine && !message.shared) this.signal({ kind: "message", message });
      if (message.state?.kind === "failed") this.signal({ kind: "not-sent" });
    } else if (fresh && line.line.notice.kind === "joined") {
      this.signal({ kind: "joined", person: line.line.notice.person });
    } else if (fresh && line.line.notice.kind === "left") {
      this.signal({ kind: "left", person: line.line.notice.person });
    }
  }

  private facts(): Facts {
    const { practice } = this.current;
    const form = practice?.consent;
    return {
      supported: this.world.supported(),
      mayStart: this.memoryOnly || this.storage === true,
      hasForm: practice !== undefined && consentIn(practice, this.world.language()) !== undefined,
      agreed: form !== undefined && hasAgreed(this.world.memo, form),
      wasInChat: this.about !== undefined || (this.world.memo.inChat && this.world.memo.hasChat),
      leaving: this.leaving,
    };
  }

  private set(change: Partial<State>): void {
    this.current = { ...this.current, ...change };
    for (const changed of this.watchers) changed();
  }

  private signal(signal: Signal): void {
    for (const listener of this.signals) listener(signal);
  }
}
