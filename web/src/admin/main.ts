import "../ui/style/base.css";
import "../staff/staff.css";
import "./admin.css";

import { mount } from "svelte";

import { Account } from "../staff/account.ts";
import { settings } from "../staff/preferences.svelte.ts";
import { chooseLanguage, speak, wordless } from "../ui/words.svelte.ts";
import App from "./App.svelte";

await speak("admin", chooseLanguage([settings().language, ...navigator.languages].filter(Boolean))).catch(wordless);
const target = document.getElementById("app");
if (target) mount(App, { target, props: { account: new Account() } });
