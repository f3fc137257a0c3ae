// What is held back below a queue's level: what was typed, and a file that comes
// while staff are asked. Each fails unless it is held back.

import type { ConsoleFake } from "../consoleFake.ts";
import type { StoryPage } from "../page.ts";
import type { Story } from "./stories.ts";

const inDialog = (what = ""): boolean => document.querySelector("dialog[open] ul")?.textContent.includes(what) ?? false;

async function until(page: StoryPage, what: string, is: () => boolean): Promise<void> {
  for (let tries = 0; tries < 60 && !is(); tries++) await page.pause(50);
  if (!is()) throw new Error(`not ${what}`);
}

function nothingSent(core: ConsoleFake): void {
  if (core.named("sendText").length + core.named("sendFile").length > 0) throw new Error("what is held back is sent");
}

async function held(core: ConsoleFake, page: StoryPage): Promise<void> {
  core.change("c_ana", { verification: { level: "guest" } });
  await page.pause(100);
  document.querySelector<HTMLElement>("form.composer textarea")?.focus();
  page.type("Your HbA1c is 8.1, so the diabetes medicine metformin goes up. Her number is 415-555-0134.");
  await page.pause(50);
  document.querySelector<HTMLFormElement>("form.composer")?.requestSubmit();
  await until(page, "held back", () => inDialog("metformin"));
  nothingSent(core);
}

export function holdBacks(chat: Omit<Story, "then">): Record<string, Story> {
  return {
    "hold-back": { ...chat, then: held },
    "hold-back-late": {
      ...chat,
      async then(core, page) {
        await held(core, page);
        const dropped = new DataTransfer();
        dropped.items.add(new File(["%PDF-1.7\n"], "letter.pdf", { type: "application/pdf" }));
        window.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, cancelable: true }));
        await until(page, "beside the text", () => document.querySelector(".compose .files .name")?.textContent === "letter.pdf");
        await page.pause(100); // it is ready
        document.querySelector<HTMLInputElement>("dialog[open] input[type=radio][value=urgent]")?.click();
        await page.pause(50);
        [...document.querySelectorAll<HTMLButtonElement>("dialog[open] button")].at(-1)?.click();
        await until(page, "asked about the file", () => inDialog("letter.pdf"));
        nothingSent(core);
      },
    },
  };
}
