import "../../src/ui/style/base.css";
import "../../src/staff/staff.css";
import "../../src/admin/admin.css";

import { mount } from "svelte";

import App from "../../src/admin/App.svelte";
import { parseRoute } from "../../src/admin/router.svelte.ts";
import { sections } from "../../src/admin/sections.ts";
import { Account } from "../../src/staff/account.ts";
import { change } from "../../src/staff/preferences.svelte.ts";
import { learn, speak, type Language } from "../../src/ui/words.svelte.ts";
import { page } from "../page.ts";
import { server } from "./server.ts";
import type { Story } from "./story.ts";

const files = import.meta.glob<Record<string, Story>>("./*.stories.ts", { eager: true, import: "stories" });
const stories: Record<string, Story> = Object.assign({}, ...Object.values(files));

const asked = new URLSearchParams(location.search);
const name = asked.get("story") || "people";
if (!asked.get("story")) document.documentElement.dataset.stories = Object.keys(stories).join(" ");
const story = stories[name];
if (!story) throw new Error("no such story");

await speak("admin", (asked.get("lang") ?? "en") as Language);
history.replaceState(null, "", story.hash);
// A section is loaded when it is first shown, which on a busy machine takes longer than any pause.
const section = sections.find((each) => each.id === parseRoute(story.hash).section);
if (section) await Promise.all([section.load(), learn(section.words)]);
change({ signedIn: story.signedIn ?? true });
const target = document.getElementById("app");
if (target) mount(App, { target, props: { account: new Account(server(story)) } });
await page.pause(350);
await story.then?.(page);
await page.pause(250);
document.documentElement.dataset.ready = "yes";
