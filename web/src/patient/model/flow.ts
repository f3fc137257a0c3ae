// Which screen comes after which. Pure: every way through the chat is a list
// of happenings, and the tests walk them.

import type { Failure } from "../../core/shared/protocol.ts";

export type Screen =
  | { readonly at: "loading" }
  | { readonly at: "unreachable"; readonly reason: "not-found" | "unreachable" }
  /** This browser cannot run the core. */
  | { readonly at: "unsupported" }
  | { readonly at: "welcome" }
  /** This browser lets us save nothing here. */
  | { readonly at: "storage" }
  | { readonly at: "consent" }
  | { readonly at: "declined" }
  | { readonly at: "about-you" }
  /** Nobody answers now: what is written waits for them. */
  | { readonly at: "leave-message" }
  /** The conversation: waiting, open or ended, as it says itself. */
  | { readonly at: "chat" }
  /** The core cannot go on. */
  | { readonly at: "failed"; readonly failure: Failure };

export type Happening =
  | { kind: "practice"; }
  | { kind: "no-practice"; reason: "not-found" | "unreachable" }
  | { kind: "start" }
  | { kind: "continue" }
  | { kind: "keep-in-memory" }
  | { kind: "agree" }
  | { kind: "decline" }
  | { kind: "told-about-me" }
  /** The reason has a form of its own. */
  | { kind: "ask" }
  | { kind: "left-message" }
  | { kind: "back" }
  | { kind: "storage-blocked" }
  | { kind: "failed"; failure: Failure };

/** What the way depends on. */
export interface Facts {
  readonly supported: boolean;
  /** Something can be kept here, or the person said that it need not be. */
  readonly mayStart: boolean;
  /** The practice has a form. Without one there is no chat. */
  readonly hasForm: boolean;
  /** This version of the form was agreed to on this device. */
  readonly agreed: boolean;
  /** The person was in the chat when this page was last here. */
  readonly wasInChat: boolean;
  /** The person means to leave a message, not to wait. */
  readonly leaving: boolean;
}

export function after(screen: Screen, happening: Happening, facts: Facts): Screen {
  switch (happening.kind) {
    case "no-practice":
      return { at: "unreachable", reason: happening.reason };
    case "practice":
      if (!facts.supported) return { at: "unsupported" };
      return facts.wasInChat ? { at: "chat" } : { at: "welcome" };
    case "start":
      if (!facts.hasForm) return { at: "declined" };
      if (!facts.mayStart) return { at: "storage" };
      return facts.agreed ? { at: "about-you" } : { at: "consent" };
    case "keep-in-memory":
      return screen.at === "storage" ? after(screen, { kind: "start" }, { ...facts, mayStart: true }) : screen;
    case "continue":
      return { at: "chat" };
    case "agree":
      return screen.at === "consent" ? { at: "about-you" } : screen;
    case "decline":
      return screen.at === "consent" ? { at: "declined" } : screen;
    case "told-about-me":
      return screen.at === "about-you" || screen.at === "consent" ? { at: facts.leaving ? "leave-message" : "chat" } : screen;
    case "ask":
      return { at: "consent" };
    case "left-message":
      return screen.at === "leave-message" ? { at: "chat" } : screen;
    case "back":
      return back(screen, facts);
    case "storage-blocked":
      return { at: "storage" };
    case "failed":
      return { at: "failed", failure: happening.failure };
  }
}

function back(screen: Screen, facts: Facts): Screen {
  switch (screen.at) {
    case "storage":
    case "consent":
    case "chat":
      return { at: "welcome" };
    case "declined":
      return facts.hasForm ? { at: "consent" } : { at: "welcome" };
    case "leave-message":
      return { at: "about-you" };
    case "about-you":
      return facts.agreed ? { at: "welcome" } : { at: "consent" };
    default:
      return screen;
  }
}
