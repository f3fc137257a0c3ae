// What the core asks of the browser, in the form that cmd/sotto-core expects:
// it knows these names. Everything here moves bytes and decides nothing.

import { HubError, type HubEvent } from "../shared/hub.ts";
import { isEvent } from "../shared/wire.ts";
import type { CoreEvent } from "../shared/protocol.ts";
import { failureOf } from "../shared/failure.ts";
import { Events } from "./events.ts";
import type { Http } from "./http.ts";
import type { Signer } from "./signer.ts";
import type { Keep } from "./store.ts";

/** What the core runs when the page calls. */
export type Dispatch = (
  method: string,
  args: readonly unknown[],
  resolve: (value: unknown) => void,
  reject: (failure: string) => void,
) => void;

/** A call that the core may give up. */
interface Stoppable<T> {
  readonly promise: Promise<T>;
  stop(): void;
}

// A refusal crosses to the core as a value: how it failed, and the hub's
// problem if the hub said so.
type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem?: object; readonly failure?: string };

function stoppable<T>(work: (signal: AbortSignal) => Promise<T>): Stoppable<Outcome<T>> {
  const stop = new AbortController();
  const promise = work(stop.signal).then(
    (value): Outcome<T> => ({ ok: true, value }),
    (error: unknown): Outcome<T> => (error instanceof HubError ? { ok: false, problem: error.problem } : { ok: false }),
  );
  return { promise, stop: () => stop.abort() };
}

function settled<T>(work: Promise<T>): Promise<Outcome<T>> {
  return work.then(
    (value): Outcome<T> => ({ ok: true, value }),
    (error: unknown): Outcome<T> => ({ ok: false, failure: failureOf(error) }),
  );
}

/** The object that the core finds as `sottoHost` when it starts. */
export type Host = ReturnType<typeof makeHost>;

export function makeHost(options: {
  keep: Keep;
  signer: Signer;
  http: Http;
  eventsUrl: string;
  ready(dispatch: Dispatch): void;
  emit(event: CoreEvent): void;
}) {
  const { keep, signer, http } = options;
  const events = new Events({
    url: options.eventsUrl,
    token: () => http.token,
    poll: (cursor, signal) => http.poll(cursor, signal),
  });
  return {
    ready: options.ready,
    emit: (event: unknown) => {
      if (isEvent(event)) options.emit(event);
    },

    publicKey: signer.publicKey,
    sign: (message: Uint8Array<ArrayBuffer>) => settled(signer.sign(message)),

    get: (key: string) => settled(keep.get(key)),
    apply: (puts: [string, Uint8Array][], deletes: string[]) => settled(keep.apply(puts, deletes)),
    keys: (prefix: string) => settled(keep.keys(prefix)),

    setToken: (token: string) => http.setToken(token),
    call: (method: string, path: string, body: unknown) => stoppable((signal) => http.json(method, path, body, signal)),
    upload: (path: string, offset: number, data: Uint8Array<ArrayBuffer>) =>
      stoppable((signal) => http.upload(path, offset, data, signal)),
    download: (path: string, offset: number, length: number) =>
      stoppable((signal) => http.download(path, offset, length, signal)),
    follow: (onEvent: (event: HubEvent) => void) => stoppable((signal) => events.follow(onEvent, signal)),

    // A file as the page gave it, read piece by piece.
    readFile: (file: Blob, offset: number, length: number) =>
      settled(
        file
          .slice(offset, offset + length)
          .arrayBuffer()
          .then((buffer) => new Uint8Array(buffer)),
      ),
  };
}
