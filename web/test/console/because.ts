// What is done about who a patient is: each is asked a reason for, and sends that
// one and no other.

import type { StoryPage } from "../page.ts";
import { answeredBy } from "./server.ts";
import type { Story } from "./stories.ts";

export function deeds(
  chat: Pick<Story, "hash" | "script">,
  knows: Readonly<Record<string, object>>,
  withDetails: (page: StoryPage) => Promise<void>,
): Record<string, Story> {
  const deed = (begin: (panel: HTMLElement, page: StoryPage) => void | Promise<void>, path: string, reason: string): Story => {
    const sent: { path: string; reason: unknown }[] = [];
    const call = (method: string, path: string, body?: { reason?: string }): Promise<object> => {
      if (method === "POST") sent.push({ path, reason: body?.reason });
      return Promise.resolve(knows[path.split("/").pop() ?? ""] ?? {});
    };
    const until = async (page: StoryPage, what: string, is: () => boolean): Promise<void> => {
      for (let tries = 0; tries < 60 && !is(); tries++) await page.pause(50);
      if (!is()) throw new Error(what);
    };
    // On a phone the details are a dialog too.
    const radio = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>(`dialog[open] input[type=radio][value=${reason}]`);
    const ask = async (page: StoryPage): Promise<void> => {
      const panel = document.querySelector<HTMLElement>("#patient-title")?.parentElement;
      if (panel) await begin(panel, page);
      await until(page, "no reason is asked for", () => radio() !== null);
      if (sent.length > 0) throw new Error("it is done before a reason is given");
    };
    return {
      ...chat,
      account: answeredBy(call),
      async then(_, page) {
        await withDetails(page);
        await ask(page);
        radio()?.click();
        await page.pause(50);
        [...(radio()?.closest("dialog")?.querySelectorAll("button") ?? [])].at(-1)?.click();
        await until(page, "it is not done for that reason", () => sent[0]?.path === path && sent[0].reason === reason && radio() === null);
        sent.length = 0;
        await until(page, "the panel is gone", () => document.querySelector("#patient-title ~ div button") !== null);
        await ask(page);
      },
    };
  };
  const press = (at: number) => (panel: HTMLElement) => panel.querySelectorAll<HTMLElement>("button")[at]?.click();
  return {
    "details-end": deed(press(1), "/v1/staff/relations/r_1/end", "safety"),
    "details-unlink": deed(press(3), "/v1/staff/person-links/l_1/undo", "mistake"),
    "details-link": deed(
      async (panel, page) => {
        const select = panel.querySelector("select");
        if (!select) return;
        select.selectedIndex = 1;
        select.dispatchEvent(new Event("change", { bubbles: true }));
        await page.pause(100);
        if (document.querySelector("dialog[open] input[type=radio]")) throw new Error("to choose opens a dialog"); // WCAG 3.2.2
        select.closest("label")?.nextElementSibling?.querySelector("button")?.click();
      },
      "/v1/staff/person-links",
      "duplicate",
    ),
  };
}
