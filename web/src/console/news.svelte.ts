// Tells people what came while they looked elsewhere: by voice, by sound, by a
// desktop notice. Only the first of these says who and what, and it is heard by
// the person who works here.

import { announce } from "../ui/announce.svelte.ts";
import { t } from "../ui/words.svelte.ts";
import { chime, notice } from "./alerts.ts";
import { browserClock } from "./clock.ts";
import type { Desk, News } from "./desk.svelte.ts";
import { Announcer } from "./model/announce.ts";
import { settings } from "../staff/preferences.svelte.ts";
import { personName, titleOf } from "./words.ts";

export class NewsDesk {
  private desk: Desk | undefined;
  private readonly announcer = new Announcer({
    clock: browserClock,
    words: {
      one: ({ who, text }) => t("console.chat.says", { name: who, text }),
      many: (count) => t("console.chat.burst", { count }),
    },
    say: announce,
  });

  follow(desk: Desk): void {
    this.desk = desk;
  }

  tell(news: News): void {
    switch (news.kind) {
      case "waiting":
        announce(t("console.chat.newWaiting"));
        if (settings().sound) chime("waiting");
        if (settings().desktopNotices) notice(t("console.notify.waiting"));
        break;
      case "emergency": // the banner that comes with it says it, and is heard
        if (settings().sound) chime("waiting");
        if (settings().desktopNotices) notice(t("console.emergency.open"));
        break;
      case "message":
        this.message(news);
        break;
      case "typing":
        if (!settings().locked) this.announcer.typing(t("ui.typing.one", { name: titleOf(news.conversation) }));
        break;
    }
  }

  private message({ message, conversation }: Extract<News, { kind: "message" }>): void {
    const { locked } = settings();
    const looking = document.visibilityState === "visible" && document.hasFocus();
    const open = !locked && message.conversation === this.desk?.openId;
    const who = conversation && this.desk ? personName(this.desk, conversation, message.from) : "";
    const { body } = message;
    // What is in another chat is told as a number, not read out over this one.
    if (open && body.kind === "text") this.announcer.arrived({ who, text: body.text });
    else if (open && body.kind === "file") announce(t("console.chat.sentFile", { name: who, file: body.file.name }));
    else announce(t("console.chat.burst", { count: 1 }));
    if (looking && open) return;
    if (settings().sound) chime("message");
    if (settings().desktopNotices) notice(t("console.notify.message"));
  }
}
