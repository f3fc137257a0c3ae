import "../../src/ui/style/base.css";
import "../../src/staff/staff.css";

import { mount } from "svelte";

import App from "../../src/console/App.svelte";
import { change } from "../../src/staff/preferences.svelte.ts";
import { speak, type Language } from "../../src/ui/words.svelte.ts";
import { ConsoleFake } from "../consoleFake.ts";
import { page } from "../page.ts";
import { accountOf, stories } from "./stories.ts";

const asked = new URLSearchParams(location.search);
const name = asked.get("story") ?? "waiting";
if (!name) document.documentElement.dataset.stories = Object.keys(stories).join(" ");
const story = stories[name];
if (!story) throw new Error("no such story");

await speak("console", (asked.get("lang") ?? "en") as Language);
if (story.hash) history.replaceState(null, "", story.hash);
change({ signedIn: story.signedIn ?? story.account?.session === undefined });
const core = new ConsoleFake(await story.script());
const target = document.getElementById("app");
if (target) mount(App, { target, props: { account: accountOf(story), connect: () => core } });
await page.pause(350);
await story.then?.(core, page);
await page.pause(300);
Object.assign(window, { core });
document.documentElement.dataset.ready = "yes";
