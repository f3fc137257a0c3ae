// Loads the core, which is a Go program in WebAssembly, and runs it.

import { Go } from "../generated/go.js";
import { core as artefact } from "../generated/manifest.ts";
import { BrowserKey } from "../shared/browserkey.ts";
import { CoreError, isFailure } from "../shared/failure.ts";
import type { CoreEvent, Line, MessageId, StartOptions, Started } from "../shared/protocol.ts";
import type { Method } from "../shared/wire.ts";
import { Downloads } from "./downloads.ts";
import { makeHost, type Dispatch, type Host } from "./host.ts";
import { Http } from "./http.ts";
import { signerOf } from "./signer.ts";
import { memoryKeep, openKeep, placeOf, type Keep } from "./store.ts";

const loadTries = 3;
const loadPauseMs = 1500;

/** Compiles the core while it streams in, once, however often it is asked. */
export class CoreLoader {
  private module: Promise<WebAssembly.Module> | undefined;

  load(): Promise<WebAssembly.Module> {
    this.module ??= compile().catch((error: unknown) => {
      this.module = undefined;
      throw error;
    });
    return this.module;
  }
}

async function compile(): Promise<WebAssembly.Module> {
  for (let left = loadTries; ; ) {
    try {
      return await WebAssembly.compileStreaming(fetch(artefact.url, { credentials: "omit", referrerPolicy: "no-referrer" }));
    } catch {
      if (--left === 0) throw new CoreError("offline");
      await new Promise((resolve) => setTimeout(resolve, loadPauseMs));
    }
  }
}

// What the page is given as a file. Only what a browser shows without running
// anything keeps its type: the sender's word for it is not to be trusted.
const passiveTypes = /^(image\/(png|jpeg|webp|gif|avif)|audio\/(mpeg|mp4|ogg|wav|webm)|video\/(mp4|webm))$/;

interface OpenedFile {
  readonly chunks: Uint8Array<ArrayBuffer>[];
  readonly mediaType: string;
}

/** One run of the core over one store. */
export class RunningCore {
  private readonly keep: Keep;
  private readonly dispatch: Dispatch;
  private readonly downloads: Downloads;
  private readonly deviceKey: Uint8Array;

  private constructor(keep: Keep, dispatch: Dispatch, downloads: Downloads, deviceKey: Uint8Array) {
    this.keep = keep;
    this.dispatch = dispatch;
    this.downloads = downloads;
    this.deviceKey = deviceKey;
  }

  static async run(
    loader: CoreLoader,
    options: StartOptions,
    resume: boolean,
    on: { event(event: CoreEvent): void; died(): void },
  ): Promise<RunningCore> {
    const [module, keep] = await Promise.all([
      loader.load(),
      options.memoryOnly ? memoryKeep() : openKeep(placeOf(options).join("-"), resume),
    ]);
    const origin = self.location.origin;
    const signer = await signerOf(keep.signingKeys);
    const downloads = new Downloads(on.event);
    const dispatch = await new Promise<Dispatch>((ready, failed) => {
      const host = makeHost({
        keep,
        signer,
        http: new Http(origin, options.surface === "staff" ? new BrowserKey() : undefined),
        eventsUrl: `${origin.replace(/^http/, "ws")}/v1/events`,
        ready,
        emit: (event) => {
          if (event.kind === "line") downloads.see(event.line);
          on.event(event);
        },
      });
      execute(module, host).then(
        () => {
          failed(new CoreError("internal"));
          on.died();
        },
        () => {
          failed(new CoreError("internal"));
          on.died();
        },
      );
    });
    const running = new RunningCore(keep, dispatch, downloads, signer.publicKey);
    addEventListener("online", () => void running.ask("reconnect", []).catch(() => undefined));
    return running;
  }

  async start(options: StartOptions): Promise<Started> {
    const started = (await this.ask("start", [options])) as Omit<Started, "keeping" | "coreStartMs" | "deviceKey">;
    return { ...started, keeping: this.keep.keeping, coreStartMs: Math.round(performance.now()), deviceKey: this.deviceKey };
  }

  async call(method: Exclude<Method, "start">, args: readonly unknown[]): Promise<unknown> {
    switch (method) {
      case "openFile": {
        const { chunks, mediaType } = await this.downloads.follow(
          args[0] as MessageId,
          (progress) => this.ask(method, [args[0], progress]) as Promise<OpenedFile>,
        );
        return new Blob(chunks, { type: passiveTypes.test(mediaType) ? mediaType : "application/octet-stream" });
      }
      case "lines": {
        const lines = (await this.ask(method, args)) as readonly Line[];
        for (const line of lines) this.downloads.see(line);
        return lines;
      }
      case "forget":
        try {
          await this.ask(method, args);
        } finally {
          await this.keep.forget();
        }
        return undefined;
      default:
        return this.ask(method, args);
    }
  }

  private ask(method: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.dispatch(method, args, resolve, (failure) => reject(new CoreError(isFailure(failure) ? failure : "internal")));
    });
  }
}

async function execute(module: WebAssembly.Module, host: Host): Promise<void> {
  const go = new Go();
  const instance = await WebAssembly.instantiate(module, go.importObject);
  Object.assign(globalThis, { sottoHost: host }); // the core takes it away
  await go.run(instance);
}
