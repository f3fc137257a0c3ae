// Locks the screen of a story, opens it, and locks it again for its picture.

import { change } from "../../src/staff/preferences.svelte.ts";
import type { StoryPage } from "../page.ts";

/** Fails if anything of the page can be seen or reached under the lock, or if what was there is not when it opens. */
export async function covered(page: StoryPage, there: () => boolean): Promise<void> {
  const check = (what: string, is: boolean): void => {
    if (!is) throw new Error(what);
  };
  await page.pause(150);
  const before = { title: document.title, focus: document.activeElement };
  for (let turn = 0; turn < 2; turn++) {
    check("what was typed is gone", there());
    change({ locked: true });
    await page.pause(150);
    const kept = document.querySelector<HTMLElement>(".kept");
    check("the title is the page's under the lock", document.title !== before.title);
    check("the page can be reached under the lock", kept?.inert === true && document.querySelector("dialog[open]") === null);
    check("the page can be seen under the lock", ![...(kept?.querySelectorAll("*") ?? [])].some((each) => each.checkVisibility()));
    if (turn > 0) return;
    change({ locked: false });
    await page.pause(150);
    check(`the title is ${document.title} after the lock`, document.title === before.title);
    check(`the focus is on ${document.activeElement?.tagName} after the lock`, document.activeElement === before.focus || document.activeElement?.closest("dialog") !== null);
  }
}
