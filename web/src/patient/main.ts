import "../ui/style/base.css";

import { mount } from "svelte";

import { chooseLanguage, speak } from "../ui/words.svelte.ts";
import App from "./App.svelte";

await speak("patient", chooseLanguage(navigator.languages));
const target = document.getElementById("app");
if (target) mount(App, { target });
