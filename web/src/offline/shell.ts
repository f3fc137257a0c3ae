// Keeping the shell of the app on the person's own device: the service worker
// (service-worker.js) and what makes it an app that can be installed.

import { trustedAddress } from "../core/page/trusted.ts";

const script = "/service-worker.js";

/** Registers the service worker. Without one the chat only needs a network to open. */
export async function keepShell(): Promise<void> {
  if (import.meta.env.DEV || !("serviceWorker" in navigator)) return;
  try {
    // The core's worker and its assets are outside /c/, so the scope is all.
    await navigator.serviceWorker.register(trustedAddress(script) as string, { scope: "/", updateViaCache: "none" });
  } catch {
    return; // a private window, or a browser that forbids it
  }
}

/** Takes the service worker and what it kept away again. */
export async function dropShell(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
    for (const name of await caches.keys()) if (name.startsWith("sotto-shell-")) await caches.delete(name);
  } catch {
    return;
  }
}

/** Names the practice's app to the browser, which may then offer to install it. */
export function nameApp(slug: string): void {
  if (document.querySelector("link[rel=manifest]")) return;
  const link = document.createElement("link");
  link.rel = "manifest";
  link.href = `/c/${encodeURIComponent(slug)}/manifest.webmanifest`;
  document.head.append(link);
}

interface InstallEvent extends Event {
  prompt(): Promise<unknown>;
}

/** What the browser offers, kept until the person asks for it. */
export class Install {
  private offered: InstallEvent | undefined;

  constructor(changed: (possible: boolean) => void, from: Pick<Window, "addEventListener"> = window) {
    from.addEventListener("beforeinstallprompt", (event) => {
      event.preventDefault(); // we ask in our own words, on the person's own device alone
      this.offered = event as InstallEvent;
      changed(true);
    });
    from.addEventListener("appinstalled", () => {
      this.offered = undefined;
      changed(false);
    });
  }

  /** Asks the browser to install the app. An offer is good for once. */
  async ask(): Promise<void> {
    const offered = this.offered;
    this.offered = undefined;
    await offered?.prompt();
  }
}
