import "../ui/style/base.css";

import { mount } from "svelte";

import { connectCore } from "../core/page/handle.ts";
import { setBrand } from "../ui/brand.ts";
import { savedTheme, setTheme } from "../ui/theme.ts";
import { chooseLanguage, speak, wordless } from "../ui/words.svelte.ts";
import { deviceName, storageWorks, supported } from "./able.ts";
import App from "./App.svelte";
import { listen } from "./heard.ts";
import { connectHost } from "./host.ts";
import { Install, keepShell, nameApp } from "../offline/shell.ts";
import { arrive } from "./model/arrival.ts";
import { browserMemo } from "./model/memo.ts";
import { loadForm, loadPractice, noteDeclined } from "./model/practice.ts";
import { Session } from "./model/session.ts";
import { BrowserUnkept, eraseCore } from "./unkept.ts";
import { remembered, View } from "./view.svelte.ts";

const address = new URL(location.href);
const slug = decodeURIComponent(/^\/c\/([^/]+)/.exec(address.pathname)?.[1] ?? "");
const embedded = address.searchParams.get("embed") === "1" && parent !== window;

// Asked for at once, beside the words, and again when the person tries again.
let early: ReturnType<typeof loadPractice> | undefined = loadPractice(slug);
let probing: ReturnType<typeof storageWorks> | undefined = storageWorks();
// Whoever is here came to chat: the core loads while they read, unless they
// pay for every byte. Then it loads when they agree.
const line = (navigator as { connection?: { saveData?: boolean } }).connection;
early.then(
  () => !line?.saveData && supported() && session.prepare(),
  () => undefined, // boot says why
);

setTheme(savedTheme());
const unkept = new BrowserUnkept(slug);
const session: Session = new Session({
  slug,
  authority: address.searchParams.get("authority") ?? undefined,
  memo: browserMemo(slug),
  unkept,
  erase: () => eraseCore(slug),
  deviceName: deviceName(navigator.userAgent),
  loadForm,
  noteDeclined,
  loadPractice: (name) => {
    const loading = early ?? loadPractice(name);
    early = undefined;
    return loading;
  },
  connect: () => {
    unkept.prepare();
    return connectCore();
  },
  supported,
  storageWorks: () => {
    const probe = probing ?? storageWorks();
    probing = undefined;
    return probe;
  },
  sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)),
  language: () => view.language,
  now: () => Date.now(),
});

// Whoever has a chat here comes for it: the core, and the screen that App asks
// for, load beside the words and not after them.
if (session.cameBack && supported()) {
  session.prepare();
  for (const screen of [import("./screens/later.ts"), import("./screens/Chat.svelte")]) screen.catch(() => undefined);
}

const focusInside = (): void => {
  for (const place of ["dialog[open] h2", "textarea", "h1"]) {
    const target = document.querySelector<HTMLElement>(place);
    if (target) return target.focus();
  }
};
const host = embedded ? connectHost(focusInside, () => session.lookedAway()) : undefined;
const view = new View(session, host, deviceName(navigator.userAgent));

// On the person's own device the shell is kept and may be installed; in a frame
// the clinic's page is the app.
let isKept = false;
let idleMinutes = 0;
session.watch(() => {
  const { keeping, practice } = session.state;
  if (practice && practice.idle_minutes_patient !== idleMinutes) {
    idleMinutes = practice.idle_minutes_patient;
    view.hideWhenIdle(idleMinutes, slug);
  }
  if (keeping !== "saved" || embedded || isKept) return;
  isKept = true;
  view.install = new Install((possible) => (view.installable = possible));
  nameApp(slug);
  void keepShell();
});

const wanted = remembered("sotto.language");
await speak("patient", chooseLanguage(wanted ? [wanted, ...navigator.languages] : navigator.languages)).catch(wordless);

listen(view, host);
session.watch(() => setBrand(document.documentElement, session.state.practice?.brand_color));
setInterval(() => (view.now = Date.now()), 1000);

// A phone's keyboard covers the page without making it smaller.
const seen = window.visualViewport;
if (seen) {
  const fit = (): void => {
    const zoomed = seen.scale > 1.01; // pinched: leave the page alone
    const style = document.documentElement.style;
    style.setProperty("--seen-height", zoomed ? "100dvb" : `${seen.height}px`);
    style.setProperty("--seen-top", zoomed ? "0px" : `${seen.offsetTop}px`);
  };
  seen.addEventListener("resize", fit);
  seen.addEventListener("scroll", fit);
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "hidden") return;
  session.flush();
  session.lookedAway();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && host && !document.querySelector("dialog[open]")) host.close();
});

const target = document.getElementById("app");
target?.replaceChildren();
if (target) mount(App, { target, props: { view } });
// The link's token leaves the address before anything else can see it.
const token = /^#i=([\w-]{16,64})$/.exec(address.hash)?.[1];
if (token) {
  history.replaceState(history.state, "", address.pathname + address.search);
  const { holderOf, openInvitation } = await import("./model/invitation.ts");
  session.invite(await openInvitation(slug, token, holderOf(token)));
}
// Not waited for: the other screens are modules that wait for this one to end.
if (!arrive(slug)) void session.boot();
