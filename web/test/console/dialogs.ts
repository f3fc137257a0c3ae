// A chat of the team, and dialogs that one press opens: to take over a chat, to
// say why a supervisor goes into one, and to change the password.

import { chat, dana, keeper, lee, LogWriter, patient, staff } from "../consoleFake.ts";
import type { StoryPage } from "../page.ts";
import { fromMenu, session, type Story } from "./stories.ts";

async function opened(page: StoryPage): Promise<void> {
  const open = () => document.querySelector("dialog[open]") !== null;
  for (let tries = 0; tries < 40 && !open(); tries++) await page.pause(100);
  if (!open()) throw new Error("no dialog opens");
}

export function dialogs(script: Story["script"]): Record<string, Story> {
  return {
    "team-open": { hash: "#/team/c_t1", script },
    "take-over": {
      hash: "#/mine/c_bo",
      script,
      async then(core, page) {
        core.change("c_bo", { assignee: lee, joined: true, members: [patient("p_of_c_bo", "Bo Lindqvist"), staff(lee), staff(dana), keeper] });
        await page.pause(200);
        await fromMenu(page, /take over|hacerse cargo|تولَّ المحادثة/i);
        await opened(page);
      },
    },
    enter: {
      hash: "#/team/c_t1",
      account: { session: () => Promise.resolve({ ...session, person: { ...session.person, role: "supervisor" }, may: ["conversations.queues", "conversation.bring", "conversation.reopen"] }) },
      signedIn: true,
      script: async () => ({ ...(await script()), hang: ["act"] }),
      async then(core, page) {
        for (let tries = 0; tries < 40 && !document.querySelector("main .pair button"); tries++) await page.pause(100);
        page.click(/^\s*(take over|hacerse cargo|تولَّ المحادثة)ø*\s*$/i); // ø: in long words
        await opened(page);
        const yes = () => [...document.querySelectorAll<HTMLButtonElement>("dialog[open] button")].at(-1);
        yes()?.click();
        if (core.named("act").length > 0) throw new Error("they are in before they say why");
        document.querySelector<HTMLInputElement>("dialog[open] input[value=coaching]")?.click();
        await page.pause(50);
        yes()?.click();
        await page.pause(50);
        if (core.named("act").flat().join() !== "c_t1,take-over,coaching") throw new Error(`the hub is told ${JSON.stringify(core.named("act"))}`);
      },
    },
    unsent: {
      account: { devices: () => Promise.resolve([]) },
      signedIn: true,
      script: () => ({
        connection: "signed-out",
        deviceKey: new Uint8Array([4, 1]),
        conversations: [chat("c_bo", { state: "open", assignee: dana, joined: true, draft: "Please come at eight, and", members: [patient("p_of_c_bo", "Bo Lindqvist"), staff(dana), keeper] })],
        lines: { c_bo: new LogWriter("c_bo", Date.now() - 60_000).says(dana, "I have asked.").says(dana, "The results are not there yet.", { state: { kind: "queued" } }).lines },
      }),
      async then(_, page) {
        for (let tries = 0; tries < 40 && !document.querySelector(".unsent"); tries++) await page.pause(100);
        const words = [...document.querySelectorAll(".unsent")].map((each) => each.textContent);
        if (words.join("|") !== "The results are not there yet.|Please come at eight, and") throw new Error(`of what was not sent it shows: ${words.join("|")}`);
      },
    },
    "settings-password": {
      hash: "#/settings",
      script,
      async then(_, page) {
        await page.pause(300);
        page.click(/^\s*(change|cambiar|تغيير)ø*\s*$/i); // ø: in long words
        await opened(page);
      },
    },
  };
}
