// The button that a practice puts on its own pages:
//
//   <script src="https://chat.oak-clinic.example/launcher.js" async
//           data-practice="oak" data-name="Oak Clinic" data-authority="..."></script>
//
// It draws a button in a closed shadow root and, once pressed, a frame with the
// chat. It sets no cookie, stores nothing, moves nothing on the page, and never
// learns what is said: the frame tells it when it can be used, to close, and how
// many messages are unread, and that is all.

import words from "virtual:words/launcher";

const script = document.currentScript as HTMLScriptElement | null;

function launch(tag: HTMLScriptElement, practice: string): void {
  const { origin } = new URL(tag.src);
  const { authority, name, language, color } = tag.dataset;
  const page = (language ?? document.documentElement.lang ?? navigator.language).slice(0, 2);
  const say = words[page] ?? words.en ?? {};
  const wide = matchMedia("(min-width: 640px)");

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "closed" });
  const style = new CSSStyleSheet();
  style.replaceSync(`
:host{all:initial;position:fixed;inset:auto 0 0 auto;z-index:2147483000}
:host(:dir(rtl)){inset:auto auto 0 0}
button{all:unset;box-sizing:border-box;position:fixed;z-index:1;inset-block-end:max(20px,env(safe-area-inset-bottom));inset-inline-end:max(20px,env(safe-area-inset-right));display:grid;place-items:center;width:60px;height:60px;border-radius:50%;background:var(--c,#0b6b6f);color:var(--i,#fff);cursor:pointer;box-shadow:0 4px 16px #0004;-webkit-tap-highlight-color:transparent}
button:focus-visible{outline:3px solid currentColor;outline-offset:-5px;box-shadow:0 0 0 3px #0a4fc4}
svg{width:28px;height:28px;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round;pointer-events:none}
b{position:absolute;inset-block-start:-2px;inset-inline-end:-2px;min-width:22px;padding:0 5px;box-sizing:border-box;border-radius:11px;background:#a3231f;color:#fff;font:700 13px/22px system-ui,sans-serif;text-align:center}
iframe{position:fixed;inset:0;width:100%;height:100%;border:0;background:Canvas;color-scheme:normal}
@media(min-width:640px){iframe{inset:auto;inset-block-end:92px;inset-inline-end:20px;width:400px;height:min(640px,100vh - 112px);border-radius:16px;box-shadow:0 12px 40px #0005}}
@media(forced-colors:active){button{border:2px solid ButtonText}iframe{border:1px solid CanvasText}}
@media print{:host{display:none}}
[hidden]{display:none!important}`);
  root.adoptedStyleSheets = [style];
  if (color && /^#[0-9a-f]{6}$/i.test(color)) {
    host.style.setProperty("--c", color);
    // White is drawn on it, or ink where white has less than 3:1.
    const part = (at: number): number => ((parseInt(color.slice(at, at + 2), 16) / 255 + 0.055) / 1.055) ** 2.4;
    if (0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5) > 0.3) host.style.setProperty("--i", "#08191b");
  }

  const button = document.createElement("button");
  const svg = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(svg, "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  const path = document.createElementNS(svg, "path");
  const bubble =
    "M6.5 4.5h11A2.5 2.5 0 0 1 20 7v7.5a2.5 2.5 0 0 1-2.5 2.5H12l-4.6 3.6a.6.6 0 0 1-.9-.5V17A2.5 2.5 0 0 1 4 14.5V7a2.5 2.5 0 0 1 2.5-2.5Z";
  icon.append(path);
  const badge = document.createElement("b");
  badge.hidden = true;
  button.append(icon, badge);
  root.append(button);

  let label = name ? (say.open ?? "").replace("{name}", name) : (say.us ?? "");
  let frame: HTMLIFrameElement | undefined;
  let loaded = false;
  let ready = false;
  let open = false;
  let covers = false;
  let overflow = "";
  const behind: HTMLElement[] = [];

  // What lies above the chat hides it, and has to be answered.
  const above = (each: HTMLElement): boolean => each.matches("dialog,[popover]") || Number(getComputedStyle(each).zIndex) > 2147483000;
  const hide = (): void => {
    if (!host.isConnected) return void set(false); // the page has taken us off, and is as it was
    for (const each of document.body.children) {
      if (each === host || !(each instanceof HTMLElement) || each.inert || above(each)) continue;
      each.inert = true;
      behind.push(each);
    }
  };
  // The page may add to itself meanwhile: a banner, a dialog.
  const added = new MutationObserver(hide);

  const tell = (type: "hello" | "open" | "close"): void => {
    if (loaded) frame?.contentWindow?.postMessage({ sotto: 1, type }, origin);
  };

  const show = (): void => {
    path.setAttribute("d", open ? "M6 6l12 12M18 6 6 18" : bubble);
    button.setAttribute("aria-label", open ? (say.close ?? "") : label);
    button.setAttribute("aria-expanded", String(open));
    // On a phone the frame is all there is, with a button of its own to close
    // it once it says so: a frame that never came is closed by ours.
    button.hidden = open && ready && !wide.matches;
    if (frame) frame.hidden = !open;
    // Under the whole screen nothing of the page is reached or moved; afterwards it is as it was.
    if (covers === (open && !wide.matches)) return;
    covers = !covers;
    const { style } = document.documentElement;
    if (covers) {
      ({ overflow } = style);
      style.overflow = "hidden";
      hide();
      for (const each of [document.body, document.documentElement]) added.observe(each, { childList: true });
    } else {
      added.disconnect();
      style.overflow = overflow;
      for (const each of behind.splice(0)) each.inert = false;
    }
  };

  const set = (next: boolean): void => {
    if (open === next) return;
    open = next;
    if (open && !frame) {
      frame = document.createElement("iframe");
      const address = new URL(`/c/${encodeURIComponent(practice)}?embed=1`, origin);
      if (authority) address.searchParams.set("authority", authority);
      frame.title = say.frame ?? "";
      frame.allow = "clipboard-write; publickey-credentials-get; publickey-credentials-create";
      frame.addEventListener("load", () => {
        loaded = true;
        ready = false;
        show();
        tell("hello");
      });
      frame.src = address.href;
      root.append(frame);
    }
    show();
    tell(open ? "open" : "close");
    if (!open && !ready) {
      // It never came: the next press asks for it anew.
      frame?.remove();
      frame = undefined;
      loaded = false;
    }
    // Escape does not come out of a frame, so the focus stays out until it can close itself.
    if (!open) button.focus();
    else if (ready) frame?.focus();
  };

  button.type = "button";
  button.addEventListener("click", () => set(!open));
  wide.addEventListener("change", show);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && open && root.activeElement) set(false);
  });
  addEventListener("message", (event: MessageEvent<unknown>) => {
    if (event.origin !== origin || !frame || event.source !== frame.contentWindow) return;
    const data = event.data as { sotto?: unknown; type?: unknown; count?: unknown; label?: unknown } | null;
    if (typeof data !== "object" || data?.sotto !== 1) return;
    if (data.type === "close") set(false);
    if (data.type === "ready" && !ready) {
      ready = true;
      if (open) frame.focus();
      if (open) tell("open");
      show();
    }
    if (data.type === "unread" && Number.isSafeInteger(data.count) && typeof data.label === "string" && data.label.length < 200) {
      const count = data.count as number;
      badge.hidden = count <= 0;
      badge.textContent = count > 99 ? "99+" : String(count);
      ({ label } = data as { label: string });
      show();
    }
  });
  show();

  const place = (): void => document.body.append(host);
  if (document.body) place();
  else addEventListener("DOMContentLoaded", place);
}

// Told twice, it stays one button.
const mark = Symbol.for("sotto.launcher");
const page = window as unknown as Record<symbol, boolean>;
if (script?.dataset.practice && !page[mark]) {
  page[mark] = true;
  launch(script, script.dataset.practice);
}
