// Several tabs, one core. The tab that holds the lock runs it; the workers of
// the others hand their calls to it over a broadcast channel, and one of them
// takes over when it closes. Without this two tabs would use the same keys of
// a group at the same time.

import { CoreError, failureOf } from "../shared/failure.ts";
import type { Conversation, CoreEvent, Failure, StartOptions, Started } from "../shared/protocol.ts";
import { isEvent, isRecord, isRepeatable, type Call, type FromWorker } from "../shared/wire.ts";
import { isCall } from "./check.ts";
import { placeOf } from "./store.ts";
import type { Method } from "../shared/wire.ts";

/** The core as this file needs it. */
export interface LocalCore {
  start(options: StartOptions): Promise<Started>;
  call(method: Exclude<Method, "start">, args: readonly unknown[]): Promise<unknown>;
}

/**
 * Runs a core. With `resume` it takes up what another tab left; if that has
 * been forgotten meanwhile it rejects with `signed-out` and begins nothing new.
 */
export type RunCore = (
  options: StartOptions,
  resume: boolean,
  onEvent: (event: CoreEvent) => void,
) => Promise<LocalCore>;

// On the channel. `tab` says whose call it is.
type Channelled =
  | { readonly t: "asked"; readonly tab: string; readonly call: Call }
  | { readonly t: "taken"; readonly tab: string; readonly id: number } // the leader begins to carry it out
  | { readonly t: "done"; readonly tab: string; readonly id: number; readonly value: unknown }
  | { readonly t: "fail"; readonly tab: string; readonly id: number; readonly failure: Failure }
  | { readonly t: "event"; readonly event: CoreEvent }
  | { readonly t: "leader" } // a new one: ask again
  | { readonly t: "forgotten" };

interface Running {
  readonly core: LocalCore;
  readonly started: Started;
}

export class Tabs {
  private readonly tab = crypto.randomUUID();
  private readonly runCore: RunCore;
  private readonly toPage: (message: FromWorker) => void;
  private options: StartOptions | undefined;
  private seated: Promise<"leading" | "following"> | undefined;
  private running: Promise<Running> | undefined;
  private channel: BroadcastChannel | undefined;
  private leave = new AbortController();
  private readonly conversations = new Map<string, Conversation>();
  private readonly asked = new Map<number, Call>(); // of the leader
  private readonly taken = new Set<number>(); // of these: may be done already

  constructor(runCore: RunCore, toPage: (message: FromWorker) => void) {
    this.runCore = runCore;
    this.toPage = toPage;
  }

  /** Carries out a call of this tab's page and answers it. */
  async handle(call: Call): Promise<void> {
    try {
      if (call.method === "start") {
        this.options ??= call.args[0] as StartOptions;
        this.seated ??= this.sit(this.options);
      }
      if (!this.seated) throw new CoreError("internal"); // not started
      if ((await this.seated) === "following" && !this.running) {
        this.asked.set(call.id, call);
        this.post({ t: "asked", tab: this.tab, call });
        return;
      }
      this.toPage({ t: "done", id: call.id, value: await this.carryOut(call) });
    } catch (error) {
      this.toPage({ t: "fail", id: call.id, failure: failureOf(error) });
    }
    this.afterwards(call);
  }

  private async sit(options: StartOptions): Promise<"leading" | "following"> {
    try {
      if (options.memoryOnly) {
        await this.lead(false);
        return "leading";
      }
      const name = placeOf(options).join("/");
      this.channel = new BroadcastChannel(name);
      this.channel.onmessage = ({ data }) => this.hear(data);
      if (await this.lockNow(name)) {
        await this.lead(false);
        this.emitHere({ kind: "leading", leading: true });
        return "leading";
      }
      this.emitHere({ kind: "leading", leading: false });
      void this.lockLater(name);
      return "following";
    } catch (error) {
      this.standUp(); // the page may choose again, to keep nothing for example
      throw error instanceof CoreError ? error : new CoreError("storage-blocked");
    }
  }

  /** Takes the lock if nobody has it, and holds it until this tab ends. */
  private lockNow(name: string): Promise<boolean> {
    const { signal } = this.leave;
    return new Promise((resolve, reject) => {
      navigator.locks
        .request(name, { ifAvailable: true }, (lock) => {
          resolve(lock !== null);
          return lock ? until(signal) : undefined;
        })
        .catch(reject);
    });
  }

  private async lockLater(name: string): Promise<void> {
    const { signal } = this.leave;
    await navigator.locks
      .request(name, { signal }, async () => {
        await this.takeOver();
        await until(signal);
      })
      .catch(() => undefined); // left meanwhile
  }

  private async takeOver(): Promise<void> {
    const calls = [...this.asked.values()];
    this.asked.clear();
    try {
      const { started } = await this.lead(true);
      this.emitHere({ kind: "leading", leading: true });
      for (const conversation of started.conversations) this.emit({ kind: "conversation", conversation });
      for (const call of calls) {
        if (this.mayRepeat(call)) void this.handle(call);
        else this.toPage({ t: "fail", id: call.id, failure: "internal" });
      }
    } catch (error) {
      const failure = failureOf(error);
      for (const { id, method } of calls) {
        // The lock can be faster than the answer of the one who forgot.
        if (failure === "signed-out" && method === "forget") this.toPage({ t: "done", id, value: undefined });
        else this.toPage({ t: "fail", id, failure });
      }
      this.standUp();
      if (failure === "signed-out") this.emitHere({ kind: "connection", connection: "signed-out", queued: 0 });
      else this.emitHere({ kind: "failed", failure });
    }
  }

  private lead(resume: boolean): Promise<Running> {
    const options = this.options as StartOptions;
    this.running = (async () => {
      const core = await this.runCore(options, resume, (event) => this.emit(event));
      const started = await core.start(options);
      for (const conversation of started.conversations) {
        if (!this.conversations.has(conversation.id)) this.conversations.set(conversation.id, conversation);
      }
      return { core, started };
    })();
    this.running.catch(() => undefined);
    this.post({ t: "leader" });
    return this.running;
  }

  private async carryOut(call: Call): Promise<unknown> {
    if (!this.running) throw new CoreError("internal");
    const { core, started } = await this.running;
    switch (call.method) {
      case "start":
        return { ...started, conversations: [...this.conversations.values()] } satisfies Started;
      default:
        return core.call(call.method, call.args);
    }
  }

  private hear(message: unknown): void {
    if (!isRecord(message)) return;
    const heard = message as Channelled;
    switch (heard.t) {
      case "asked":
        if (this.running && isCall(heard.call) && typeof heard.tab === "string") void this.answer(heard.tab, heard.call);
        break;
      case "taken":
        this.taken.add(this.mine(heard));
        break;
      case "done":
        if (this.answered(heard)) this.toPage({ t: "done", id: heard.id, value: heard.value });
        break;
      case "fail":
        if (this.answered(heard)) {
          this.toPage({ t: "fail", id: heard.id, failure: failureOf(heard) });
        }
        break;
      case "event":
        if (!this.running && isEvent(heard.event)) this.emitHere(heard.event);
        break;
      case "leader":
        this.askAgain();
        break;
      case "forgotten":
        this.standUp();
        this.emitHere({ kind: "connection", connection: "signed-out", queued: 0 });
        break;
    }
  }

  /** Whether a call does no harm by being done by the next leader too: what the last one never took was not done. */
  private mayRepeat(call: Call): boolean {
    return isRepeatable(call.method) || !this.taken.has(call.id);
  }

  private answered(answer: { tab: string; id: number }): boolean {
    const id = this.mine(answer);
    this.taken.delete(id);
    return this.asked.delete(id);
  }

  private mine(answer: { tab: string; id: number }): number {
    return answer.tab === this.tab ? answer.id : -1;
  }

  private async answer(tab: string, call: Call): Promise<void> {
    this.post({ t: "taken", tab, id: call.id });
    try {
      this.post({ t: "done", tab, id: call.id, value: await this.carryOut(call) });
    } catch (error) {
      this.post({ t: "fail", tab, id: call.id, failure: failureOf(error) });
    }
    this.afterwards(call);
  }

  // Whether or not all went well: the keys are gone.
  private afterwards(call: Call): void {
    if (call.method !== "forget" || !this.running) return;
    this.post({ t: "forgotten" });
    this.standUp();
  }

  // The leader that had these calls is gone, or has just come.
  private askAgain(): void {
    if (this.running) return;
    for (const call of [...this.asked.values()]) {
      if (this.mayRepeat(call)) {
        this.post({ t: "asked", tab: this.tab, call });
      } else {
        this.asked.delete(call.id);
        this.toPage({ t: "fail", id: call.id, failure: "internal" });
      }
    }
  }

  /** To every tab's page. */
  private emit(event: CoreEvent): void {
    if (event.kind === "conversation") this.conversations.set(event.conversation.id, event.conversation);
    this.emitHere(event);
    this.post({ t: "event", event });
  }

  private emitHere(event: CoreEvent): void {
    this.toPage({ t: "event", event });
  }

  private post(message: Channelled): void {
    this.channel?.postMessage(message);
  }

  /** Back to the beginning: nothing is run, held or waited for. */
  private standUp(): void {
    this.leave.abort();
    this.leave = new AbortController();
    this.channel?.close();
    this.channel = undefined;
    this.running = undefined;
    this.seated = undefined;
    this.options = undefined;
    this.conversations.clear();
    for (const id of this.asked.keys()) this.toPage({ t: "fail", id, failure: "signed-out" });
    this.asked.clear();
    this.taken.clear();
  }
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
