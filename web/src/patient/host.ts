// The clinic's page around the chat, when there is one. The two exchange these
// words and nothing else; no content ever crosses.

type FromHost = "hello" | "open" | "close";

function read(data: unknown): FromHost | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { sotto, type } = data as { sotto?: unknown; type?: unknown };
  return sotto === 1 && (type === "hello" || type === "open" || type === "close") ? type : undefined;
}

export type ToHost =
  /** A screen is there, with a button to close the chat. */
  | { sotto: 1; type: "ready" }
  | { sotto: 1; type: "close" }
  /** label: the button's name, "Chat with Oak Clinic, 2 unread messages". */
  | { sotto: 1; type: "unread"; count: number; label: string };

export interface Host {
  ready(): void;
  close(): void;
  unread(count: number, label: string): void;
}

const ready: ToHost = { sotto: 1, type: "ready" };

/**
 * Talks with the launcher on the page around us. Who may frame us is decided
 * by the server's frame-ancestors; the first hello tells which of them did, and
 * nobody else is listened to or spoken to afterwards.
 */
export function connectHost(onopen: () => void, onclose: () => void): Host {
  let origin: string | undefined;
  let last: ToHost | undefined;
  let seen = false;
  const say = (message: ToHost): void => {
    if (origin) parent.postMessage(message, origin);
  };
  addEventListener("message", (event: MessageEvent<unknown>) => {
    if (event.source !== parent || (origin !== undefined && event.origin !== origin)) return;
    const type = read(event.data);
    if (!type) return;
    if (type === "hello") {
      if (event.origin === "null") return;
      origin = event.origin;
      if (seen) say(ready);
      if (last) say(last);
    } else if (type === "open") onopen();
    else onclose();
  });
  return {
    ready: () => {
      seen = true;
      say(ready);
    },
    close: () => say({ sotto: 1, type: "close" }),
    unread: (count, label) => {
      last = { sotto: 1, type: "unread", count, label };
      say(last);
    },
  };
}
