// Signing in at the practice's portal. A page of its own goes there and comes
// back; in a frame, and where nothing is kept, the portal opens in a window of
// its own, which hands its answer over when it is done.

import type { View } from "../view.svelte.ts";
import { keep, kept } from "./arrival.ts";
import type { Answer } from "./passkeys.ts";

const lookMs = 500;

/** Only one sign-in is under way at a time. */
let stop: (() => void) | undefined;

/** What the portal said, once its window is done; undefined if it was closed before. */
function answered(window_: Window): Promise<string | undefined> {
  stop?.();
  return new Promise((resolve) => {
    const done = (answer?: string): void => {
      removeEventListener("message", heard);
      clearInterval(timer);
      resolve(answer);
    };
    const heard = (event: MessageEvent): void => {
      const said = event.data as { sotto?: unknown; type?: unknown; answer?: unknown } | null;
      if (event.origin !== location.origin || event.source !== window_ || said?.type !== "portal" || typeof said.answer !== "string") return;
      done(said.answer);
      window_.close();
    };
    // What it said last may come after it is seen closed.
    let closed = 0;
    const timer = setInterval(() => {
      if (window_.closed && ++closed > 2) done();
    }, lookMs);
    stop = done;
    addEventListener("message", heard);
  });
}

async function finish(view: View, attempt: string, search: string): Promise<Answer> {
  const said = new URLSearchParams(search);
  const of = (name: string): string => said.get(name) ?? "";
  const body = { attempt, state: of("state"), code: of("code"), iss: of("iss"), error: of("error").slice(0, 256) };
  return (await view.session.identify("portal/finish", body)) ?? { refused: "failed" };
}

/** Sends the person to the portal. Called from a press, or no window opens. */
export async function goToPortal(view: View): Promise<Answer | undefined> {
  const { slug } = view.session.inside.world;
  const apart = view.host !== undefined || parent !== window || view.state.keeping !== "saved";
  keep(slug, undefined);
  const there = apart ? open("", "_blank") : undefined;
  if (there === null) return { refused: "no-window" };
  const got = await view.session.identify("portal", {});
  const { address, attempt } = got && "answer" in got ? (got.answer as { address?: unknown; attempt?: unknown }) : {};
  if (typeof address !== "string" || typeof attempt !== "string" || !/^https?:/.test(address)) {
    there?.close();
    return got && "refused" in got ? got : { refused: "failed" };
  }
  if (!there) {
    keep(slug, { attempt });
    location.assign(address);
    return undefined;
  }
  there.location.replace(address);
  const answer = await answered(there);
  return answer === undefined ? { refused: "closed" } : finish(view, attempt, answer);
}

/** Hands over what this tab brought back from the portal, if it did. */
export async function backFromPortal(view: View): Promise<Answer | undefined> {
  const { slug } = view.session.inside.world;
  const found = kept(slug);
  if (!found?.answer) return undefined;
  keep(slug, undefined);
  return finish(view, found.attempt, found.answer);
}
