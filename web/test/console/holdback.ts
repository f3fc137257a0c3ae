// What is held back below a queue's level: what was typed, and a file that comes
// while staff are asked. Each fails unless it is held back.

import type { MessageId } from "../../src/core/shared/protocol.ts";
import { dana, LogWriter, type ConsoleFake } from "../consoleFake.ts";
import type { StoryPage } from "../page.ts";
import { answeredBy } from "./server.ts";
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

/** The server takes half a second to note why something is sent all the same, and has yet to answer what it is asked. */
const slow = answeredBy((method) => new Promise((done) => method === "POST" && setTimeout(() => done({}), 500)));

function sendAnyway(): void {
  document.querySelector<HTMLInputElement>("dialog[open] input[type=radio][value=urgent]")?.click();
  setTimeout(() => [...document.querySelectorAll<HTMLButtonElement>("dialog[open] button")].at(-1)?.click(), 50);
}

export function holdBacks(chat: Omit<Story, "then">): Record<string, Story> {
  return {
    "hold-back": { ...chat, then: held },
    // Another chat is opened before it goes: it goes to neither, and is a draft of the one it was written in.
    "hold-back-left": {
      ...chat,
      account: { ...chat.account, ...slow },
      async then(core, page) {
        await held(core, page);
        sendAnyway();
        await page.pause(150);
        location.hash = "#/mine/c_bo";
        await until(page, "another chat", () => document.querySelector("form.composer") !== null && document.querySelector("dialog[open]") === null);
        await page.pause(700);
        nothingSent(core);
        location.hash = "#/mine/c_ana";
        await until(page, "the draft", () => document.querySelector<HTMLTextAreaElement>("form.composer textarea")?.value.includes("metformin") ?? false);
      },
    },
    // What was not sent is looked at before it is tried again.
    "hold-back-again": {
      ...chat,
      async then(core, page) {
        core.change("c_ana", { verification: { level: "signed-in" }, unconfirmed: true });
        const [line] = new LogWriter("c_ana", Date.now()).says(dana, "Your test is positive, so take metformin.", { id: "m_held" as MessageId, position: 999, state: { kind: "failed", failure: "cancelled" } }).lines;
        if (line) core.emit({ kind: "line", line });
        const tryAgain = (): HTMLElement | undefined =>
          [...document.querySelectorAll<HTMLElement>(".message.failed")].find((each) => each.textContent.includes("metformin"))?.querySelector<HTMLElement>(".mend button") ?? undefined;
        await until(page, "not sent", () => tryAgain() !== undefined);
        tryAgain()?.click();
        await until(page, "held back", () => inDialog("metformin"));
        if (core.named("retry").length > 0) throw new Error("it is tried again unasked");
        sendAnyway();
        await until(page, "tried again", () => core.named("retry").length === 1);
      },
    },
    "hold-back-late": {
      ...chat,
      async then(core, page) {
        await held(core, page);
        const dropped = new DataTransfer();
        dropped.items.add(new File(["%PDF-1.7\n"], "letter.pdf", { type: "application/pdf" }));
        window.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, cancelable: true }));
        await until(page, "beside the text", () => document.querySelector(".compose .files .name")?.textContent === "letter.pdf");
        await page.pause(100); // it is ready
        sendAnyway();
        await until(page, "asked about the file", () => inDialog("letter.pdf"));
        nothingSent(core);
      },
    },
  };
}
