import "../../src/ui/style/base.css";
import "../../src/console/console.css";

import { mount } from "svelte";

import App from "../../src/console/App.svelte";
import { change } from "../../src/console/preferences.svelte.ts";
import { speak, type Language } from "../../src/ui/words.svelte.ts";
import { ConsoleFake } from "../consoleFake.ts";
import { accountOf, stories, type StoryPage } from "./stories.ts";

const asked = new URLSearchParams(location.search);
const name = asked.get("story") ?? "waiting";
if (!name) document.documentElement.dataset.stories = Object.keys(stories).join(" ");
const story = stories[name];
if (!story) throw new Error("no such story");

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

const page: StoryPage = {
  key: (key, options) => void (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options })),
  type(text) {
    const field = document.activeElement;
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) return;
    field.value = text;
    field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  },
  click: (name) => [...document.querySelectorAll("button")].find((b) => name.test(b.textContent ?? ""))?.click(),
  pause,
};

await speak("console", (asked.get("lang") ?? "en") as Language);
if (story.hash) history.replaceState(null, "", story.hash);
change({ signedIn: story.signedIn ?? story.account?.session === undefined });
const core = new ConsoleFake(await story.script());
const target = document.getElementById("app");
if (target) mount(App, { target, props: { account: accountOf(story), connect: () => core } });
await pause(350);
await story.then?.(core, page);
await pause(300);
Object.assign(window, { core });
document.documentElement.dataset.ready = "yes";
