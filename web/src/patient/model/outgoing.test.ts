import { expect, test, vi } from "vitest";

import { about, calls, inChat, settle, visit } from "../../../test/visit.ts";
import type { OpenOptions } from "../../core/shared/protocol.ts";
import type { Session } from "./session.ts";
import type { Unkept, UnkeptChat, UnkeptMessage } from "./unkept.ts";

// As the browser's: what is put is there for the next page.
function shelf() {
  const messages = new Map<string, UnkeptMessage>();
  let chat: UnkeptChat | undefined;
  let draft = "";
  const unkept: Unkept = {
    read: async () => ({ messages: [...messages.values()].reverse(), ...(chat ? { chat } : {}), ...(draft ? { draft } : {}) }),
    putMessage: async (message, draftToo) => {
      messages.set(message.name, message);
      if (draftToo) draft = "";
    },
    dropMessage: async (name) => void messages.delete(name),
    putChat: async (asked) => void (chat = asked),
    dropChat: async () => void (chat = undefined),
    putDraft: async (text) => void (draft = text),
    forget: async () => {
      messages.clear();
      chat = undefined;
      draft = "";
    },
  };
  return { unkept, holds: () => ({ messages: [...messages.values()].map(({ body }) => (body.kind === "text" ? body.text : body.kind)), chat: chat?.options.id, draft }) };
}
const nothing = { messages: [], chat: undefined, draft: "" };
const states = (session: Session): unknown[] => session.state.lines.map((line) => line.type === "message" && line.message.state?.kind);

test("outlives the page, and goes out once, in order, when the next one has a core", async () => {
  const { unkept, holds } = shelf();
  const slow = await inChat({ script: { hang: ["start"], named: true }, world: { unkept } });
  slow.session.sendText("My knee hurts.");
  slow.session.sendFile(new Blob(["x"]), { name: "knee.png", mediaType: "image/png", size: 1 });
  slow.session.sendText("Since Monday.");
  expect(states(slow.session)).toEqual([undefined, undefined, undefined]); // it is not kept, and does not say so
  await settle();
  expect(states(slow.session)).toEqual(["sending", "sending", "sending"]);
  slow.session.setDraft("and at ni");
  slow.session.flush();
  await settle();
  expect(holds()).toMatchObject({ messages: ["My knee hurts.", "file", "Since Monday."], draft: "and at ni" });

  const next = visit({ script: { named: true }, world: { unkept } }); // in another tab, even
  await next.session.boot();
  await settle();
  expect(next.session.state.screen.at).toBe("chat");
  const opened = calls(next.core, "open")[0]?.[0] as OpenOptions;
  expect(opened).toMatchObject({ queue: "q_general", name: "Ana", consents: [{ form: "form", version: 3 }] });
  expect(calls(next.core, "sendText").map(([id, text]) => [id, text])).toEqual([[opened.id, "My knee hurts."], [opened.id, "Since Monday."]]);
  expect(calls(next.core, "sendFile")).toHaveLength(1);
  expect(next.session.draftText).toBe("and at ni");
  expect(calls(next.core, "saveDraft")).toEqual([[opened.id, "and at ni"]]);
  expect(next.session.state.lines).toHaveLength(3);
  expect(holds()).toEqual(nothing);
});

test("has one name on both pages, whichever of them the core heard", async () => {
  const { unkept } = shelf();
  const deaf = await inChat({ script: { hang: ["sendText"], named: true }, world: { unkept } });
  vi.useFakeTimers();
  deaf.session.sendText("My knee hurts.");
  await vi.advanceTimersByTimeAsync(1000); // the core does not answer
  vi.useRealTimers();
  expect(states(deaf.session)).toEqual(["sending"]);
  const kept = deaf.session.state.conversation;
  const next = visit({ script: { conversations: kept ? [kept] : [], named: true }, memo: deaf.memo, world: { unkept } });
  await next.session.boot();
  await settle();
  expect(calls(next.core, "sendText")).toEqual(calls(deaf.core, "sendText"));
  expect(calls(next.core, "open")).toEqual([]);
});

test("a message that is left outlives the page too, and so does what was written of it", async () => {
  const { unkept, holds } = shelf();
  const begun = visit({ script: { hang: ["start"], named: true }, world: { unkept } });
  await begun.session.boot();
  begun.session.begin(true);
  begun.session.agree();
  await begun.session.tellAboutMe(about);
  begun.session.setDraft("Please c");
  begun.session.flush();
  await settle();
  expect(holds()).toEqual({ ...nothing, draft: "Please c" });
  const again = visit({ world: { unkept } });
  await again.session.boot();
  expect(again.session.state.screen.at).toBe("welcome"); // nothing was sent
  expect(again.session.draftText).toBe("Please c");

  void begun.session.leaveMessage("Please call me.");
  await settle();
  expect(holds()).toMatchObject({ messages: ["Please call me."], draft: "" });
  const next = visit({ script: { named: true }, world: { unkept } });
  await next.session.boot();
  await settle();
  expect(calls(next.core, "open")[0]?.[0]).toMatchObject({ leftMessage: true });
  expect(calls(next.core, "sendText").map(([, text]) => text)).toEqual(["Please call me."]);
  expect(holds()).toEqual(nothing);
});

test("of a device that others use is kept nowhere", async () => {
  const { unkept, holds } = shelf();
  const { session } = visit({ script: { hang: ["start"] }, world: { unkept } });
  await session.boot();
  session.happen({ kind: "start" });
  session.agree();
  void session.tellAboutMe({ ...about, ownDevice: false });
  session.sendText("My knee hurts.");
  await settle();
  expect(holds()).toEqual(nothing);
});

test("is not waited for by a chat that only was asked for, unless the page loads again", async () => {
  const { unkept } = shelf();
  const first = await inChat({ script: { hang: ["start"], named: true }, world: { unkept } });
  const later = visit({ world: { unkept } });
  await later.session.boot();
  expect(later.session.state.screen.at).toBe("welcome");
  const reloaded = visit({ script: { named: true }, memo: first.memo, world: { unkept } });
  await reloaded.session.boot();
  await settle();
  expect(reloaded.session.state.conversation?.id).toBe((calls(reloaded.core, "open")[0]?.[0] as OpenOptions).id);
});

test("goes with all else that the device forgets, or when it is taken back", async () => {
  const { unkept, holds } = shelf();
  const { session } = await inChat({ script: { hang: ["start"] }, world: { unkept } });
  session.sendText("My knee hurts.");
  session.sendText("No, my foot.");
  await settle();
  const [line] = session.state.lines;
  if (line?.type === "message") await session.cancel(line.message);
  await settle();
  expect(holds().messages).toEqual(["No, my foot."]);
  await session.forget();
  expect(holds()).toEqual(nothing);
});
