// Addresses within the console. They live in the fragment, so the server sees
// none of them, and hold opaque ids alone.

import type { Box, ConversationId } from "../../core/shared/protocol.ts";

export const boxes = ["waiting", "mine", "team", "closed"] as const satisfies readonly Box[];

export type Route =
  | { screen: "inbox"; box: Box; conversation?: ConversationId }
  | { screen: "settings" }
  | { screen: "set-up"; token: string };

export const home: Route = { screen: "inbox", box: "waiting" };

const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

function isBox(text: string | undefined): text is Box {
  return (boxes as readonly string[]).includes(text ?? "");
}

/** Reads a fragment; anything unknown is the inbox. */
export function parseRoute(fragment: string): Route {
  const text = fragment.replace(/^#/, "");
  if (text.startsWith("setup=")) return { screen: "set-up", token: text.slice("setup=".length) };
  const [screen, conversation] = text.replace(/^\//, "").split("/");
  if (screen === "settings") return { screen: "settings" };
  if (!isBox(screen)) return home;
  if (conversation && idPattern.test(conversation)) {
    return { screen: "inbox", box: screen, conversation: conversation as ConversationId };
  }
  return { screen: "inbox", box: screen };
}

/** The fragment of a route. A set-up token is never written back. */
export function formatRoute(route: Route): string {
  switch (route.screen) {
    case "settings":
      return "#/settings";
    case "set-up":
      return "#/";
    case "inbox":
      return route.conversation ? `#/${route.box}/${route.conversation}` : `#/${route.box}`;
  }
}
