// What a person hears and sees of the chat without looking at it: words for
// screen readers, a sound, a number in the title and on the launcher.

import { announce } from "../ui/announce.svelte.ts";
import { t } from "../ui/words.svelte.ts";
import type { PersonId } from "../core/shared/protocol.ts";
import type { Host } from "./host.ts";
import type { Signal } from "./model/session.ts";
import { chime } from "./sound.ts";
import type { View } from "./view.svelte.ts";
import { called, isKnown, joinedWords } from "./words.ts";

const burstMs = 900;
const placeMs = 60_000;
const typingMs = 30_000;
const longestSpoken = 240;

/** Shows that there is something new. The text says whom it is from and nothing of what it says. */
async function note(text: string): Promise<void> {
  if (typeof Notification !== "function" || Notification.permission !== "granted") return;
  const options = { tag: "sotto", icon: "/icons/chat-192.png" };
  try {
    // Phones know only those of a service worker.
    const worker = await navigator.serviceWorker?.getRegistration("/");
    if (worker) await worker.showNotification(text, options);
    else new Notification(text, options);
  } catch {
    return;
  }
}

/** Listens to a session until the returned function is called. */
export function listen(view: View, host: Host | undefined): () => void {
  const burst: Extract<Signal, { kind: "message" }>[] = [];
  let joined: PersonId[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let placeAt = -Infinity;
  let typingAt = -Infinity;
  const name = (person: Parameters<typeof view.session.nameOf>[0]): string => called(view.session.nameOf(person), view.practiceName);

  function say(): void {
    timer = undefined;
    const first = burst[0];
    // What is hidden is not said aloud either.
    if (burst.length > 1 || (first && view.session.state.locked)) announce(t("patient.heard.many", { count: burst.length }));
    else if (first) {
      const { body, from } = first.message;
      if (body.kind === "text") announce(t("patient.heard.text", { name: name(from), text: body.text.slice(0, longestSpoken) }));
      else if (body.kind === "file") announce(t("patient.heard.file", { name: name(from), file: body.file.name }));
    }
    // What is said at once with something else is not heard.
    if (burst.splice(0).length > 0 && joined.length > 0) return later();
    // Who somebody is comes after them, and is waited for: nobody is told of without a name.
    const others = joined.filter((person) => !view.session.nameOf(person)?.me);
    joined = others.filter((person) => !isKnown(view.session.nameOf(person)));
    if (joined.length > 0) later();
    const named = others.filter((person) => !joined.includes(person));
    if (named.length > 0) announce(joinedWords(named, view.session.state.people, view.practiceName, view.language));
  }

  function later(): void {
    timer ??= setTimeout(say, burstMs);
  }

  const stopSignals = view.session.onSignal((signal) => {
    switch (signal.kind) {
      case "message":
        burst.push(signal);
        later();
        if (document.hasFocus() && document.visibilityState === "visible") break;
        if (view.soundOn) chime();
        void note(t("patient.note", { practice: view.practiceName }));
        break;
      case "joined":
        joined.push(signal.person);
        later();
        break;
      case "left":
        announce(t("patient.notice.left", { name: name(signal.person) }));
        break;
      case "place":
        if (view.now - placeAt < placeMs) break;
        placeAt = view.now;
        announce(signal.place <= 1 ? t("patient.next") : t("patient.place", { place: signal.place }));
        break;
      case "ended":
        announce(t("patient.ended"));
        break;
      case "not-sent":
        announce(t("patient.heard.not-sent"), "assertive");
        break;
      case "draft":
        break;
    }
  });

  // The number of unread messages, where it can be seen from elsewhere.
  let shown = "";
  const stopWatching = view.session.watch(() => {
    const { conversation } = view.session.state;
    const unread = conversation?.unread ?? 0;
    const typing = conversation?.typing.filter((person) => !view.session.nameOf(person)?.me) ?? [];
    if (typing[0] && view.now - typingAt > typingMs) {
      typingAt = view.now;
      announce(t("ui.typing.one", { name: name(typing[0]) }));
    }
    const label = t("patient.launcher", { practice: view.practiceName, count: unread });
    if (!view.practiceName || shown === label) return; // the button keeps its own name until there is one
    shown = label;
    host?.unread(unread, label);
    document.title = document.title.replace(/^\(\d+\) /, "");
    if (unread > 0) document.title = `(${unread}) ${document.title}`;
  });

  return () => {
    stopSignals();
    stopWatching();
    clearTimeout(timer);
  };
}
