// The session as the components see it, and what only the page knows.

import { watchIdle, type IdleWatch } from "../ui/idle.ts";
import { language, speak, type Language } from "../ui/words.svelte.ts";
import type { Host } from "./host.ts";
import type { Session, State } from "./model/session.ts";
import { emergencyNumbers } from "./model/practice.ts";

export class View {
  state = $state.raw<State>() as State;
  now = $state(Date.now());
  soundOn = $state(true);
  /** The browser offers to install the chat as an app. */
  installable = $state(false);
  /** Asks the browser to install it. */
  install: { ask(): Promise<void> } | undefined;
  /** Seconds until the chat is hidden, while the person is asked. */
  idleLeft = $state<number>();
  private watch: IdleWatch | undefined;

  constructor(
    readonly session: Session,
    /** In a panel on a clinic's page; undefined on a page of its own. */
    readonly host: Pick<Host, "ready" | "close"> | undefined,
    /** As its owner would know it: "Firefox on Android". */
    readonly deviceName = "",
  ) {
    this.state = session.state;
    session.watch(() => (this.state = session.state));
    this.soundOn = remembered("sotto.sound") !== "off";
  }

  /** Hides the chat when nobody has touched it for so many minutes. */
  hideWhenIdle(minutes: number, slug: string): void {
    this.watch?.stop();
    this.watch = watchIdle({ limitMs: minutes * 60_000 }, `sotto/idle/${slug}`, (state, left) => {
      // There is nothing to hide on the screens before a chat.
      const inChat = this.state.screen.at === "chat";
      this.idleLeft = state === "warned" && inChat ? Math.max(0, Math.ceil(left / 1000)) : undefined;
      if (state === "locked" && inChat) this.session.lock();
      else if (state !== "locked" && this.state.locked) this.session.unhide();
    });
  }

  stay(): void {
    this.watch?.stay();
  }

  /** Takes the chat off the screen now, in all tabs. */
  /** Somebody came in: nothing of the chat stays on the screen, nor in the history of this tab. */
  leaveQuickly(): void {
    this.session.flush();
    this.session.lookedAway();
    document.body.replaceChildren();
    document.title = "";
    location.replace("about:blank");
  }

  lock(): void {
    this.session.lock();
    this.watch?.lock();
  }

  unlock(): void {
    this.session.unhide();
    this.watch?.unlock();
  }

  get practiceName(): string {
    return this.state.practice?.name ?? "";
  }

  get phone(): string {
    return this.state.practice?.phone ?? "";
  }

  get numbers(): { emergency: string; crisis?: string } {
    return emergencyNumbers(this.state.practice?.country ?? "");
  }

  get language(): Language {
    return language();
  }

  setSound(on: boolean): void {
    this.soundOn = on;
    remember("sotto.sound", on ? undefined : "off");
  }

  async speak(wanted: Language): Promise<void> {
    await speak("patient", wanted);
    remember("sotto.language", wanted);
  }
}

export function remembered(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function remember(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Until the page closes.
  }
}

/** A telephone number keeps its order in languages that run the other way. */
export function numeral(shown: string): string {
  return `\u2066${shown}\u2069`;
}

/** For tel: links: what a telephone can dial. */
export function telephone(shown: string): string {
  return `tel:${shown.replace(/[^+\d]/g, "")}`;
}
