// Shows one screen of the patient chat as a story tells it:
// ?story=waiting&lang=ar&theme=dark. The core is a fake; all else is real.

import "../../src/ui/style/base.css";

import { mount, tick } from "svelte";

import App from "../../src/patient/App.svelte";
import { listen } from "../../src/patient/heard.ts";
import { passingMemo } from "../../src/patient/model/memo.ts";
import { Session } from "../../src/patient/model/session.ts";
import { View } from "../../src/patient/view.svelte.ts";
import { setBrand } from "../../src/ui/brand.ts";
import { speak, t, type Language, type WordKey } from "../../src/ui/words.svelte.ts";
import { FakeCore, noon } from "../fakeCore.ts";
import { practice } from "../practice.ts";
import { stories, type Scene } from "./stories.ts";

const query = new URLSearchParams(location.search);
const story = stories[query.get("story") ?? ""];
const language = (query.get("lang") ?? "en") as Language;
document.documentElement.dataset.theme = query.get("theme") ?? "light";
await speak("patient", language);

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function until<T>(found: () => T | null | undefined): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const value = found();
    if (value) return value;
    await pause(30);
  }
  throw new Error("the story waits in vain");
}

if (!story) document.documentElement.dataset.stories = Object.keys(stories).join(" ");
else {
  const shown = (): ReturnType<typeof practice> => story.practice?.(practice()) ?? practice();
  const core = new FakeCore({ now: () => noon + 600_000, ...story.script?.(language) });
  const session: Session = new Session({
    slug: "riverside",
    memo: { ...passingMemo(), ...story.memo },
    deviceName: "Story",
    loadForm: async (_slug, id) => {
      const { consent, forms } = shown();
      return { ...consent, id, kind: forms.find((head) => head.id === id)?.kind ?? "chat" };
    },
    noteDeclined: () => undefined,
    loadPractice: async () => shown(),
    connect: () => core,
    supported: () => story.supported ?? true,
    storageWorks: async () => story.storage ?? true,
    sha256: async () => new Uint8Array(32),
    language: () => language,
    now: () => noon + 600_000,
  });
  const view = new View(session, story.embedded ? { ready: () => undefined, close: () => undefined } : undefined, "Chrome on Android");
  view.now = noon + 600_000 + (story.later ?? 0);
  listen(view, undefined);
  session.watch(() => setBrand(document.documentElement, session.state.practice?.brand_color));
  const target = document.getElementById("app");
  if (target) mount(App, { target, props: { view } });
  void session.boot();
  await until(() => session.state.screen.at !== "loading");
  const scene: Scene = {
    session,
    core,
    language,
    view,
    async press(key: WordKey, values) {
      const button = await until(() => {
        const name = t(key, values); // some words come with what they are on
        return [...document.querySelectorAll<HTMLElement>("dialog[open] button, dialog[open] summary, button, summary")].find(
          (each) => (each.getAttribute("aria-label") === name || each.textContent.trim() === name) && each.checkVisibility(),
        );
      });
      button.click();
      await tick();
    },
    find: (selector) => until(() => document.querySelector<HTMLElement>(selector)),
    pause,
  };
  await story.play?.(scene);
  await pause(350);
  document.documentElement.dataset.ready = "1";
}
