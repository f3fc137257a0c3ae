import { describe, expect, test, vi } from "vitest";

import { conversation } from "../../../test/fakeCore.ts";
import { about, calls, inChat, settle, visit } from "../../../test/visit.ts";
import type { ConversationId, MessageName, OpenOptions } from "../../core/shared/protocol.ts";
import type { Session } from "./session.ts";
import type { Unkept, UnkeptChat, UnkeptDraft, UnkeptMessage } from "./unkept.ts";

// As the browser's: what is put is there for the next page.
function shelf() {
  const messages = new Map<string, UnkeptMessage>();
  let chat: UnkeptChat | undefined;
  let draft = "";
  let of: UnkeptDraft["conversation"];
  const unkept: Unkept = {
    read: async () => ({ messages: [...messages.values()].reverse(), ...(chat ? { chat } : {}), ...(draft ? { draft: { text: draft, ...(of ? { conversation: of } : {}) } } : {}) }),
    putMessage: async (message, draftToo) => {
      messages.set(message.name, message);
      if (draftToo) [draft, of] = ["", undefined];
    },
    dropMessage: async (name) => void messages.delete(name),
    putChat: async (asked) => void (chat = asked),
    dropChat: async () => void (chat = undefined),
    putDraft: async (kept) => void (draft = kept?.text ?? "", of = kept?.conversation),
    forget: async () => {
      messages.clear();
      chat = undefined;
      draft = "";
      of = undefined;
    },
  };
  return { unkept, holds: () => ({ messages: [...messages.values()].map(({ body }) => (body.kind === "text" ? body.text : body.kind)), chat: chat?.options.id, draft, of }) };
}
const nothing = { messages: [], chat: undefined, draft: "", of: undefined };
const states = (session: Session): unknown[] => session.state.lines.map((line) => line.type === "message" && line.message.state?.kind);

test("outlives the page, and goes out once, in order, when the next one has a core", async () => {
  const { unkept, holds } = shelf();
  const slow = await inChat({ script: { hang: ["start"] }, world: { unkept } });
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

  const next = visit({ world: { unkept } }); // in another tab, even
  await next.session.boot();
  await settle();
  expect(next.session.state.screen.at).toBe("chat");
  const opened = calls(next.core, "open")[0]?.[0] as OpenOptions;
  expect(opened).toMatchObject({ queue: "q_general", name: "Ana", consents: [{ form: "form", version: 3 }] });
  expect(calls(next.core, "sendText").map(([id, text, , draft]) => [id, text, draft])).toEqual([
    [opened.id, "My knee hurts.", "and at ni"], // what is typed stays, as they go
    [opened.id, "Since Monday.", "and at ni"],
  ]);
  expect(calls(next.core, "sendFile")).toHaveLength(1);
  expect(next.session.draftText).toBe("and at ni");
  expect(calls(next.core, "saveDraft")).toEqual([[opened.id, "and at ni"]]);
  expect(next.session.state.lines).toHaveLength(3);
  expect(holds()).toEqual(nothing);
});

test("has one name on both pages, whichever of them the core heard", async () => {
  const { unkept } = shelf();
  const deaf = await inChat({ script: { hang: ["sendText"] }, world: { unkept } });
  vi.useFakeTimers();
  deaf.session.sendText("My knee hurts.");
  await vi.advanceTimersByTimeAsync(1000); // the core does not answer
  vi.useRealTimers();
  expect(states(deaf.session)).toEqual(["sending"]);
  const kept = deaf.session.state.conversation;
  const next = visit({ script: { conversations: kept ? [kept] : [] }, memo: deaf.memo, world: { unkept } });
  await next.session.boot();
  await settle();
  expect(calls(next.core, "sendText")).toEqual(calls(deaf.core, "sendText"));
  expect(calls(next.core, "open")).toEqual([]);
});

test("a message that is left outlives the page too, and so does what was written of it", async () => {
  const { unkept, holds } = shelf();
  const begun = visit({ script: { hang: ["start"] }, world: { unkept } });
  await begun.session.boot();
  begun.session.begin(true);
  begun.session.agree();
  await begun.session.tellAboutMe(about);
  begun.session.setDraft("Please c");
  begun.session.flush();
  await settle();
  expect(holds()).toMatchObject({ messages: [], draft: "Please c" });
  const again = visit({ world: { unkept } });
  await again.session.boot();
  expect(again.session.state.screen.at).toBe("welcome"); // nothing was sent
  expect(again.session.draftText).toBe("Please c");

  void begun.session.leaveMessage("Please call me.");
  await settle();
  expect(holds()).toMatchObject({ messages: ["Please call me."], draft: "" });
  const next = visit({ world: { unkept } });
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
  const first = await inChat({ script: { hang: ["start"] }, world: { unkept } });
  const later = visit({ world: { unkept } });
  await later.session.boot();
  expect(later.session.state.screen.at).toBe("welcome");
  const reloaded = visit({ memo: first.memo, world: { unkept } });
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
  session.setDraft("or m");
  await session.forget();
  session.flush(); // as the page does on its way out
  await settle();
  expect(holds()).toEqual(nothing);
});

test("is not said to be forgotten while it is there, and forgetting can be tried again", async () => {
  const { unkept, holds } = shelf();
  let blocked = true;
  const erased: string[] = [];
  const { session, memo } = await inChat({
    script: { fail: { forget: "internal" } },
    world: {
      unkept: { ...unkept, forget: () => (blocked ? Promise.reject(new Error("another tab")) : unkept.forget()) },
      erase: async () => void erased.push("core"),
    },
  });
  await unkept.putDraft({ text: "My kn" });
  await expect(session.forget()).rejects.toThrow("another tab");
  expect([memo.hasChat, erased]).toEqual([true, ["core"]]);
  blocked = false;
  await session.forget();
  expect([memo.hasChat, holds().draft]).toEqual([false, ""]);
});

describe("another chat", () => {
  const again = async (session: Session, reason = "q_billing") => {
    session.happen({ kind: "back" });
    session.begin();
    await session.tellAboutMe({ ...about, queue: reason });
    await settle();
  };
  // A core that is ready when it is told to be.
  async function slowly(given: Parameters<typeof visit>[0], come: (made: ReturnType<typeof visit>) => Promise<void>) {
    const made = visit(given);
    let ready: () => void = () => undefined;
    const { start } = made.core;
    const waits = new Promise<void>((done) => (ready = done));
    vi.spyOn(made.core, "start").mockImplementation(async (options) => waits.then(() => start.call(made.core, options)));
    await come(made);
    return { ...made, ready };
  }
  const asked = ({ session }: ReturnType<typeof visit>) =>
    session.boot().then(() => {
      session.begin();
      session.agree();
      void session.tellAboutMe(about);
      return settle();
    });

  test("does not get what was sent to one that was given up before it began: the words are its draft, and the person is told", async () => {
    const { unkept, holds } = shelf();
    const { session, core, ready } = await slowly({ world: { unkept } }, asked);
    session.sendText("My knee hurts.");
    session.sendText("Since Monday.");
    session.sendFile(new Blob(["x"]), { name: "knee.png", mediaType: "image/png", size: 1 });
    session.setDraft("and at ni");
    await settle();
    void again(session);
    await settle();
    expect(session.state.givenBack).toBe(true);
    expect(session.draftText).toBe("My knee hurts.\n\nSince Monday.\n\nand at ni");
    expect(states(session)).toEqual(["failed"]); // the file, which no field holds
    const wanted = holds().chat;
    expect(holds()).toMatchObject({ messages: [], draft: session.draftText, of: wanted });
    ready();
    await settle();
    expect(calls(core, "open").map(([options]) => (options as OpenOptions).queue)).toEqual(["q_billing"]);
    expect(session.state.conversation?.id).toBe(wanted);
    expect([...calls(core, "sendText"), ...calls(core, "sendFile")]).toEqual([]);
    expect(calls(core, "saveDraft")).toEqual([[wanted, session.draftText]]);
    session.sendText(session.draftText);
    expect(session.state.givenBack).toBe(false);
    const [file] = session.state.lines;
    if (file?.type === "message") await session.retry(file.message);
    await settle();
    expect([calls(core, "sendText")[0]?.[0], calls(core, "sendFile")[0]?.[0]]).toEqual([wanted, wanted]);
  });

  test("does not get what was typed for the one that was being unlocked", async () => {
    const one = conversation({ id: "c_one" as ConversationId });
    const { session, core, ready } = await slowly({ script: { conversations: [one] }, memo: { hasChat: true, inChat: true, agreed: "form:3" } }, async (made) => {
      void made.session.boot();
      await settle();
    });
    session.sendText("For the one.");
    void again(session);
    await settle();
    expect([session.state.givenBack, session.draftText]).toEqual([true, "For the one."]);
    ready();
    await settle();
    expect(calls(core, "sendText")).toEqual([]);
  });

  test("takes back what waits for one that nobody has: it is not Sending for ever", async () => {
    const { unkept, holds } = shelf();
    const gone = "c_gone" as ConversationId;
    await unkept.putMessage({ name: "n1" as MessageName, body: { kind: "text", text: "My knee hurts." }, at: 1, conversation: gone }, false);
    await unkept.putDraft({ text: "and at ni", conversation: gone });
    const { session, core, signals } = visit({ script: { conversations: [conversation({ draft: "Also" })] }, memo: { hasChat: true, inChat: true }, world: { unkept } });
    await session.boot();
    await settle();
    expect(session.state.lines).toEqual([]);
    expect(session.state.givenBack).toBe(true);
    expect(signals).toContainEqual({ kind: "draft", text: "Also\n\nMy knee hurts.\n\nand at ni", instead: true });
    expect(calls(core, "sendText")).toEqual([]);
    expect(calls(core, "saveDraft")).toEqual([["c_one", session.draftText]]);
    expect(holds()).toEqual(nothing);
  });

  test("that is over gets none of it before it goes on", async () => {
    const { unkept } = shelf();
    await unkept.putMessage({ name: "n1" as MessageName, body: { kind: "text", text: "My knee hurts." }, at: 1, conversation: "c_gone" as ConversationId }, false);
    const { session, core, signals } = visit({ script: { conversations: [conversation({ state: "closed" })] }, memo: { hasChat: true, inChat: true }, world: { unkept } });
    await session.boot();
    await settle();
    expect([session.draftText, session.state.givenBack, session.state.lines]).toEqual(["", false, []]);
    await session.act("reopen");
    expect(session.state.givenBack).toBe(true);
    expect(signals).toContainEqual({ kind: "draft", text: "My knee hurts.", instead: false });
    expect(calls(core, "sendText")).toEqual([]);
  });

  test("has a draft of its own", async () => {
    const { session, core, id } = await inChat();
    session.setDraft("half a th");
    await session.act("close");
    await again(session);
    expect(calls(core, "saveDraft")).toEqual([[id, "half a th"]]);
    expect([session.draftText, session.state.givenBack]).toEqual(["", false]);
  });

  test("that comes in while one is on the screen shows its own draft instead", async () => {
    const old = conversation({ id: "c_old" as ConversationId, state: "closed", draft: "of the old" });
    const { session, core, signals } = visit();
    await session.boot();
    await session.inside.start(true);
    session.inside.returned();
    core.emit({ kind: "conversation", conversation: old });
    session.setDraft("typed in the old");
    core.emit({ kind: "conversation", conversation: conversation({ id: "c_new" as ConversationId, draft: "of the new" }) });
    expect(signals.at(-1)).toEqual({ kind: "draft", text: "of the new", instead: true });
    expect(session.draftText).toBe("of the new");
    expect(calls(core, "saveDraft").at(-1)).toEqual(["c_old", "typed in the old"]);
  });
});
