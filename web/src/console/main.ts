import "../ui/style/base.css";
import "../staff/staff.css";

import { mount } from "svelte";

import { connectCore } from "../core/page/handle.ts";
import { chooseLanguage, speak, wordless } from "../ui/words.svelte.ts";
import { Account } from "../staff/account.ts";
import { arrive } from "../staff/provider.ts";
import App from "./App.svelte";
import { settings } from "../staff/preferences.svelte.ts";

await speak("console", chooseLanguage([settings().language, ...navigator.languages].filter(Boolean))).catch(wordless);
const account = new Account();
const failed = await arrive(account);
const target = document.getElementById("app");
if (target) mount(App, { target, props: { account, failed, connect: connectCore } });
