import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { conversation, me, member, message, noon, notice, nurse, nurseDana, theArchive, type Script } from "../../../test/fakeCore.ts";
import { practice } from "../../../test/practice.ts";
import { about, calls, inChat, settle, texts, visit } from "../../../test/visit.ts";
import type { ConversationId, MessageId } from "../../core/shared/protocol.ts";
import { PracticeError } from "./practice.ts";

describe("the way to a chat", () => {
  test("asks who writes for a minor for the form about minors, and nobody else", async () => {
    const minors = { id: "minors", kind: "minor", version: 1, queues: [], in_addition: true, needed: true } as const;
    const loadPractice = async () => practice({ forms: [...practice().forms, minors] });
    const loadForm = async () => ({ ...practice().consent, id: "minors", kind: "minor" as const, version: 1 });
    for (const [writesFor, asks] of [
      [undefined, false],
      [{ kind: "carer", age: "adult" }, false],
      [{ kind: "carer", age: "minor" }, true],
      [{ kind: "parent" }, true],
    ] as const) {
      const { session } = visit({ world: { loadPractice, loadForm } });
      await session.boot();
      session.happen({ kind: "start" });
      session.agree();
      await session.tellAboutMe(writesFor ? { ...about, writesFor } : about);
      expect([writesFor, session.state.screen.at, session.state.asking?.id]).toEqual(asks ? [writesFor, "consent", "minors"] : [writesFor, "chat", undefined]);
      session.happen({ kind: "back" }); // and who turns back is not asked it in the next chat's stead
      expect([writesFor, session.state.screen.at, session.state.asking]).toEqual([writesFor, "welcome", undefined]);
    }
  });

  test("goes over the form and the questions, and opens the conversation with what was agreed to", async () => {
    const { session, core, memo, connected } = visit();
    await session.boot();
    expect(session.state.screen.at).toBe("welcome");
    expect(connected()).toBe(0);
    session.happen({ kind: "start" });
    expect(session.state.screen.at).toBe("consent");
    expect(connected()).toBe(1); // loads while the person reads
    session.agree();
    expect(session.state.screen.at).toBe("about-you");
    await session.tellAboutMe(about);
    expect(session.state.screen.at).toBe("chat");
    expect(calls(core, "start")[0]?.[0]).toMatchObject({ surface: "patient", practice: "riverside", memoryOnly: false });
    const shown = practice().consent.texts.en;
    const length = [shown?.title, ...(shown?.points ?? []), shown?.full].join("\n").length & 0xff;
    expect(calls(core, "open")[0]?.[0]).toEqual({
      id: expect.stringMatching(/^c_[a-z2-7]{26}$/),
      queue: "q_general",
      language: "en",
      name: "Ana",
      consents: [{ form: "form", kind: "chat", version: 3, language: "en", sha256: new Uint8Array([length]) }],
    });
    expect(memo).toMatchObject({ hasChat: true, inChat: true, agreed: "form:3" });
  });

  test("does not ask again for a form that was agreed to, unless it has changed", async () => {
    for (const [agreed, screen] of [
      ["form:3", "about-you"],
      ["form:2", "consent"],
    ] as const) {
      const { session } = visit({ memo: { agreed } });
      await session.boot();
      session.happen({ kind: "start" });
      expect(session.state.screen.at).toBe(screen);
    }
  });

  test("keeps nothing on a device that others use", async () => {
    const { session, core, memo } = visit();
    await session.boot();
    session.happen({ kind: "start" });
    session.agree();
    await session.tellAboutMe({ ...about, ownDevice: false });
    expect(calls(core, "start")[0]?.[0]).toMatchObject({ memoryOnly: true });
    expect(memo).toMatchObject({ hasChat: false, inChat: false });
  });

  test("gives the choice where the browser saves nothing", async () => {
    const { session, core } = visit({ world: { storageWorks: async () => false } });
    await session.boot();
    session.happen({ kind: "start" });
    expect(session.state.screen.at).toBe("storage");
    session.keepInMemory();
    expect(session.state.screen.at).toBe("consent");
    session.agree();
    expect(session.deviceIsKnown).toBe(true);
    await session.tellAboutMe({ ...about, ownDevice: undefined });
    expect(calls(core, "start")[0]?.[0]).toMatchObject({ memoryOnly: true });
  });

  test("offers the telephone where the practice has no form", async () => {
    const bare = practice();
    const { session } = visit({ world: { loadPractice: async () => ({ ...bare, consent: { ...bare.consent, texts: {} } }) } });
    await session.boot();
    session.happen({ kind: "start" });
    expect(session.state.screen.at).toBe("declined");
    session.happen({ kind: "back" });
    expect(session.state.screen.at).toBe("welcome");
  });

  test.each([
    ["not-found", new PracticeError("not-found")],
    ["unreachable", new PracticeError("unreachable")],
  ] as const)("says that the practice is %s", async (reason, error) => {
    const { session } = visit({ world: { loadPractice: () => Promise.reject(error) } });
    await session.boot();
    expect(session.state.screen).toEqual({ at: "unreachable", reason });
  });

  test("says that the browser cannot run it", async () => {
    const { session, connected } = visit({ world: { supported: () => false }, memo: { hasChat: true } });
    await session.boot();
    expect(session.state.screen.at).toBe("unsupported");
    expect(connected()).toBe(0);
  });
});

describe("coming back", () => {
  test("offers the chat that is kept here", async () => {
    const { session } = visit({ memo: { hasChat: true }, script: { conversations: [conversation()] } });
    await session.boot();
    expect(session.state.screen.at).toBe("welcome");
    expect(session.state.conversation?.id).toBe("c_one");
  });

  test("goes straight into the chat after a reload, with the draft", async () => {
    const script = { conversations: [conversation({ draft: "my kn" })], lines: [message(1, "Hello")] };
    const { session, signals } = visit({ memo: { hasChat: true, inChat: true }, script });
    await session.boot();
    await settle();
    expect(session.state.screen.at).toBe("chat");
    expect(texts(session)).toEqual(["Hello"]);
    expect(signals).toContainEqual({ kind: "draft", text: "my kn", instead: false });
    expect(session.draftText).toBe("my kn");
  });

  test("starts anew where nothing is kept after all", async () => {
    const { session, memo } = visit({ memo: { hasChat: true, inChat: true } });
    await session.boot();
    expect(session.state.screen.at).toBe("welcome");
    expect(memo.hasChat).toBe(false);
  });

  test("prefers a conversation that goes on to one that ended later", async () => {
    const ended = conversation({ id: "c_two" as ConversationId, state: "closed", createdAt: noon + 9000 });
    const { session } = visit({ memo: { hasChat: true }, script: { conversations: [ended, conversation()] } });
    await session.boot();
    expect(session.state.conversation?.id).toBe("c_one");
  });

  test("puts the divider before what was not read", async () => {
    const lines = [message(1, "mine"), message(2, "read", { mine: false }), message(3, "new", { mine: false }), message(4, "newer", { mine: false })];
    const { session } = visit({ memo: { hasChat: true }, script: { conversations: [conversation({ unread: 2 })], lines } });
    await session.boot();
    await settle();
    expect(session.state.readUpTo).toBe(2);
  });
});

describe("coming back to a chat in the same tab", () => {
  const here = { hasChat: true, inChat: true, practice: JSON.parse(JSON.stringify(practice())) as unknown };
  const script = { conversations: [conversation()], lines: [message(1, "hello")] };

  test("does not wait for what the practice says of itself now", async () => {
    let answer: (now: ReturnType<typeof practice>) => void = () => undefined;
    const { session } = visit({ memo: here, script, world: { loadPractice: () => new Promise((done) => (answer = done)) } });
    await session.boot();
    await settle();
    expect(session.state.screen.at).toBe("chat");
    expect(texts(session)).toEqual(["hello"]);
    answer({ ...practice(), name: "Riverside, renamed" });
    await settle();
    expect(session.state.practice?.name).toBe("Riverside, renamed");
  });

  test("ends where the practice is gone", async () => {
    const { session } = visit({ memo: here, script, world: { loadPractice: async () => Promise.reject(new PracticeError("not-found")) } });
    await session.boot();
    await settle();
    expect(session.state.screen).toEqual({ at: "unreachable", reason: "not-found" });
  });
});

describe("what is typed", () => {
  test("shows at once and goes out when there is a conversation", async () => {
    const { session, core } = visit({ script: {} });
    await session.boot();
    session.happen({ kind: "start" });
    session.agree();
    const opening = session.tellAboutMe(about);
    session.sendText("My knee hurts.");
    session.sendText("Since Monday.");
    expect(texts(session)).toEqual(["My knee hurts.", "Since Monday."]);
    expect(calls(core, "sendText")).toEqual([]);
    await opening;
    await settle();
    expect(calls(core, "sendText").map((args) => args[1])).toEqual(["My knee hurts.", "Since Monday."]);
    expect(texts(session)).toEqual(["My knee hurts.", "Since Monday."]);
  });

  test("shows once, whichever comes first, the answer or the event", async () => {
    const { session, core, id } = await inChat();
    session.sendText("once"); // the fake emits first and answers then
    await settle();
    expect(texts(session)).toEqual(["once"]);

    const late = vi.spyOn(core, "sendText").mockImplementation(async () => "m_late" as MessageId);
    session.sendText("twice?");
    await settle();
    core.emit({ kind: "line", line: message(7, "twice?", { id: "m_late" as MessageId, conversation: id }) });
    expect(texts(session).sort()).toEqual(["once", "twice?"]);
    late.mockImplementation(() => new Promise(() => undefined)); // its answer is still on the way
    session.sendText("thrice?");
    core.emit({ kind: "line", line: message(8, "thrice?", { state: { kind: "sent", position: 8 }, id: "m_first" as MessageId, conversation: id }) });
    expect(texts(session).filter((text) => text === "thrice?")).toHaveLength(1);
    late.mockRestore();
  });

  test("shows twice if it was sent twice", async () => {
    const { session } = await inChat();
    session.sendText("ok");
    session.sendText("ok");
    await settle();
    expect(texts(session)).toEqual(["ok", "ok"]);
  });

  test("stays, with a way to try again, if the core refuses it", async () => {
    const script: Script = { fail: { sendText: "storage-full" } };
    const { session, core, signals } = await inChat({ script });
    session.sendText("keep me");
    await settle();
    const line = session.state.lines[0];
    if (line?.type !== "message") throw new Error("no message");
    expect(line.message.state).toEqual({ kind: "failed", failure: "storage-full" });
    expect(signals).toContainEqual({ kind: "not-sent" });
    await session.retry(line.message);
    await settle();
    expect(calls(core, "sendText")).toHaveLength(2);
    expect(texts(session)).toEqual(["keep me"]);
  });

  test("that was sent stays where it is when the download of its file is stopped", async () => {
    const { session, core, id } = await inChat();
    core.emit({ kind: "line", line: { type: "message", message: { id: "m_file" as never, conversation: id, from: "p_nurse" as never, mine: false, at: 1, position: 7, body: { kind: "text", text: "here" }, progress: 0.3 } } });
    const line = session.state.lines[0];
    if (line?.type !== "message") throw new Error("no message");
    await session.cancel(line.message);
    expect(calls(core, "cancel")).toEqual([["m_file"]]);
    expect(texts(session)).toEqual(["here"]);
  });

  test("is kept as a draft a moment later, and told to the others as typing", async () => {
    vi.useFakeTimers();
    const { session, core, id } = await inChat();
    session.setDraft("m");
    session.setDraft("my");
    expect(calls(core, "setTyping")).toEqual([[id, true]]);
    vi.advanceTimersByTime(400);
    expect(calls(core, "saveDraft").at(-1)).toEqual([id, "my"]);
    vi.advanceTimersByTime(4000);
    expect(calls(core, "setTyping").at(-1)).toEqual([id, false]);
    session.sendText("my knee"); // which takes the draft away as the core takes it, and not before
    expect(session.draftText).toBe("");
    vi.advanceTimersByTime(4000);
    expect(calls(core, "saveDraft").at(-1)).toEqual([id, "my"]);
  });

  test("is not lost when the page goes before the moment has passed", async () => {
    const { session, core, id } = await inChat();
    session.setDraft("half a wo");
    session.flush();
    expect(calls(core, "saveDraft").at(-1)).toEqual([id, "half a wo"]);
  });
});

describe("when something fails", () => {
  test("an offline start is tried again when the line is back", async () => {
    const { session, core } = await inChat({ script: { fail: { open: "offline" } } });
    expect(session.state.openFailure).toBe("offline");
    session.sendText("hello");
    core.emit({ kind: "connection", connection: "online", queued: 0 });
    await settle();
    expect(session.state.openFailure).toBeUndefined();
    expect(calls(core, "sendText").map((args) => args[1])).toEqual(["hello"]);
  });

  test.each([
    ["untrusted", "failed"],
    ["internal", "failed"],
    ["storage-blocked", "storage"],
  ] as const)("a start that is %s shows the screen %s", async (failure, at) => {
    const { session } = await inChat({ script: { fail: { start: failure } } });
    expect(session.state.screen.at).toBe(at);
  });

  test("a dead worker shows it", async () => {
    const { session, core } = await inChat();
    core.emit({ kind: "failed", failure: "internal" });
    expect(session.state.screen).toEqual({ at: "failed", failure: "internal" });
  });

  test("counts how long the line is lost", async () => {
    const { session, core } = await inChat();
    core.emit({ kind: "connection", connection: "offline", queued: 1 });
    expect(session.state.offlineSince).toBe(noon);
    core.emit({ kind: "connection", connection: "online", queued: 0 });
    expect(session.state.offlineSince).toBeUndefined();
  });
});

describe("what others do", () => {
  test("is told: messages, who joined, the place in line, the end", async () => {
    const { session, core, signals, id } = await inChat();
    const here = conversation({ id, members: [member(), theArchive, nurseDana], state: "open", place: undefined });
    core.emit({ kind: "conversation", conversation: { ...here, place: 1 } });
    const joined = notice(2, { kind: "joined", person: nurse });
    if (joined.type === "notice") core.emit({ kind: "line", line: { type: "notice", line: { ...joined.line, conversation: id } } });
    core.emit({ kind: "line", line: message(3, "Hi", { mine: false, conversation: id }) });
    core.emit({ kind: "line", line: message(3, "Hi", { mine: false, conversation: id }) });
    core.emit({ kind: "conversation", conversation: { ...here, state: "closed" } });
    expect(signals.map((signal) => signal.kind)).toEqual(["place", "joined", "message", "ended"]);
    expect(session.nameOf(nurse)?.name).toBe("Dana Ortiz");
  });

  test("is marked read once, when somebody looks", async () => {
    const { session, core, id } = await inChat();
    core.emit({ kind: "line", line: message(3, "Hi", { mine: false, conversation: id }) });
    session.seen();
    session.seen();
    expect(calls(core, "markRead")).toEqual([[id, 3]]);
  });

  test("that was seen and could not be said is said when the line is back", async () => {
    const { session, core, id } = await inChat({ script: { fail: { markRead: "offline" } } });
    core.emit({ kind: "line", line: message(3, "Hi", { mine: false, conversation: id }) });
    session.seen();
    await settle();
    for (let times = 0; times < 2; times++) {
      core.emit({ kind: "connection", connection: "online", queued: 0 });
      await settle();
    }
    expect(calls(core, "markRead")).toEqual([[id, 3], [id, 3]]);
  });

  test("in another conversation does not show here", async () => {
    const { session, core } = await inChat();
    core.emit({ kind: "line", line: message(3, "elsewhere", { mine: false }) });
    expect(session.state.lines).toEqual([]);
  });
});

describe("another device", () => {
  test("T03: is told of at once, and at each opening and reconnection until it was shown here", async () => {
    let isNew = 1;
    const script = { conversations: [conversation()], devices: () => ({ answer: { devices: [], new: isNew } }) };
    const { session, core } = visit({ script, memo: { hasChat: true, inChat: true } });
    await session.boot();
    await settle();
    expect(session.state.newDevice).toBe(true);
    session.inside.sawDevices();
    expect(session.state.newDevice).toBe(false);
    core.emit({ kind: "devices" });
    expect(session.state.newDevice).toBe(true);
    session.inside.sawDevices();
    core.emit({ kind: "connection", connection: "online", queued: 0 });
    await settle();
    expect(session.state.newDevice).toBe(true);
    session.inside.sawDevices();
    isNew = 0;
    core.emit({ kind: "connection", connection: "online", queued: 0 });
    await settle();
    expect(session.state.newDevice).toBe(false);
  });
});

describe("the end", () => {
  test("taking consent back asks for it again next time", async () => {
    const { session, memo } = await inChat();
    await session.act("withdraw");
    expect(memo.agreed).toBeUndefined();
    expect(session.state.conversation?.consent).toBe("withdrawn");
    session.happen({ kind: "start" });
    expect(session.state.screen.at).toBe("consent");
  });

  test("a new chat starts empty", async () => {
    const { session, core } = await inChat();
    session.sendText("old");
    await settle();
    await session.act("close");
    session.happen({ kind: "start" });
    expect(session.state.screen.at).toBe("about-you");
    await session.tellAboutMe({ ...about, ownDevice: undefined });
    await settle();
    expect(session.state.lines).toEqual([]);
    expect(calls(core, "start")).toHaveLength(1);
    expect(session.state.conversation?.patient).toBe(me);
  });

  test("forgetting leaves nothing behind", async () => {
    const { session, core, memo } = await inChat();
    await session.forget();
    expect(calls(core, "forget")).toHaveLength(1);
    expect(memo).toMatchObject({ hasChat: false, inChat: false, agreed: undefined });
  });
});

beforeEach(() => vi.useRealTimers());
afterEach(() => vi.useRealTimers());

describe("leaving a message", () => {
  test("goes over the form and the questions to a page of its own, and opens a conversation that says so", async () => {
    const { session, core } = visit();
    await session.boot();
    session.begin(true);
    session.agree();
    await session.tellAboutMe(about);
    expect(session.state.screen.at).toBe("leave-message");
    expect(calls(core, "open")).toEqual([]);
    session.happen({ kind: "back" });
    expect(session.state.screen.at).toBe("about-you");
    await session.tellAboutMe(about);
    await session.leaveMessage("Please call me.");
    await settle();
    expect(session.state.screen.at).toBe("chat");
    expect(calls(core, "open")[0]?.[0]).toMatchObject({ queue: "q_general", leftMessage: true });
    expect(calls(core, "sendText").map(([, text]) => text)).toEqual(["Please call me."]);
  });

  test("is not what a chat does that is begun afterwards", async () => {
    const { session, core } = visit();
    await session.boot();
    session.begin(true);
    session.happen({ kind: "back" });
    session.begin();
    session.agree();
    await session.tellAboutMe(about);
    await settle();
    expect(calls(core, "open")[0]?.[0]).not.toHaveProperty("leftMessage");
  });
});

describe("an own message", () => {
  const open = () => conversation({ state: "open", assignee: nurse, members: [member({ name: "Ana" }), theArchive, nurseDana] });
  const own = (position: number | undefined, change = {}) => {
    const line = message(position, "Hello", { at: noon - 59 * 60_000, ...change });
    if (line.type !== "message") throw new Error("no message");
    return line.message;
  };

  async function there(change = {}) {
    const made = visit({ script: { conversations: [{ ...open(), ...change }] }, memo: { hasChat: true, inChat: true } });
    await made.session.boot();
    await settle();
    return made;
  }

  test("can be taken back for as long as the practice says, once it is sent", async () => {
    const { session } = await there();
    expect(session.mayRecall(own(2), noon)).toBe(true);
    expect(session.mayRecall(own(2), noon + 60_000)).toBe(false);
    expect(session.mayRecall(own(undefined), noon)).toBe(false);
    expect(session.mayRecall(own(2, { mine: false }), noon)).toBe(false);
    expect(session.mayRecall(own(2, { body: { kind: "recalled" } }), noon)).toBe(false);
    expect(session.mayRecall(own(2, { recalling: true }), noon)).toBe(false);
  });

  test.each([{ state: "closed" }, { consent: "withdrawn" }])("cannot be taken back where nothing can be said: %j", async (change) => {
    const { session } = await there(change);
    expect(session.mayRecall(own(2), noon)).toBe(false);
  });

  test("is gone from the lines when it is taken back", async () => {
    const { session, core } = await there();
    core.emit({ kind: "line", line: { type: "message", message: own(2, { id: "m_own", conversation: open().id }) } });
    await session.recall(own(2, { id: "m_own" }));
    expect(calls(core, "recall")).toEqual([["m_own", undefined]]);
    expect(session.state.lines.map((line) => line.type === "message" && line.message.body.kind)).toContain("recalled");
    expect(JSON.stringify(session.state.lines)).not.toContain("Hello");
  });
});

describe("without a network", () => {
  test("who has a chat here gets to it with what the practice last said of itself", async () => {
    const { session, memo } = await inChat();
    await session.boot();
    expect(memo.practice).toMatchObject({ name: "Riverside Family Clinic" });
    const kept = JSON.parse(JSON.stringify(memo.practice)) as unknown;
    const offline = visit({
      memo: { hasChat: true, practice: kept },
      script: { conversations: [conversation()] },
      world: { loadPractice: async () => Promise.reject(new PracticeError("unreachable")) },
    });
    await offline.session.boot();
    await settle();
    expect(offline.session.state.screen.at).toBe("welcome");
    expect(offline.session.state.practice?.name).toBe("Riverside Family Clinic");
    expect(offline.session.state.conversation?.id).toBe("c_one");
  });

  test("who has none is told, and so is who finds no practice", async () => {
    const unreachable = visit({ world: { loadPractice: async () => Promise.reject(new PracticeError("unreachable")) } });
    await unreachable.session.boot();
    expect(unreachable.session.state.screen).toEqual({ at: "unreachable", reason: "unreachable" });
    const gone = visit({ memo: { hasChat: true, practice: practice() }, world: { loadPractice: async () => Promise.reject(new PracticeError("not-found")) } });
    await gone.session.boot();
    expect(gone.session.state.screen).toEqual({ at: "unreachable", reason: "not-found" });
  });

  test("a device of others keeps nothing of the practice", async () => {
    const { session, memo } = visit();
    await session.boot();
    session.begin();
    session.agree();
    await session.tellAboutMe({ ...about, ownDevice: false });
    await settle();
    expect(memo.practice).toBeUndefined();
  });
});

describe("what the chat asks of its own accord", () => {
  test("whether somebody is safe, after words that say they may not be, and tells nobody", async () => {
    const { session, core } = await inChat();
    session.sendText("my knee hurts");
    expect(session.state.atRisk).toBe(false);
    session.sendText("I want to die");
    expect(session.state.atRisk).toBe(true);
    session.safe();
    expect(session.state.atRisk).toBe(false);
    await settle();
    expect(new Set(core.calls.map((call) => call.name))).toEqual(new Set(["subscribe", "start", "open", "lines", "sendText"]));
  });

  test("for notes once, after the first answer, on one's own device", async () => {
    const { session, core, memo } = await inChat();
    expect(session.asksForNotes).toBe(false);
    core.emit({ kind: "line", line: message(5, "Hello Ana", { mine: false, conversation: session.state.conversation?.id as ConversationId }) });
    expect(session.asksForNotes).toBe(true);
    session.askedForNotes();
    expect(session.asksForNotes).toBe(false);
    expect(memo.askedNotes).toBe(true);
  });
});

test("a chat that is hidden keeps what is typed", async () => {
  const { session, core } = await inChat();
  session.setDraft("half a th");
  session.lock();
  expect(session.state.locked).toBe(true);
  expect(calls(core, "saveDraft").at(-1)?.[1]).toBe("half a th");
  session.unhide();
  expect(session.state.locked).toBe(false);
  expect(session.draftText).toBe("half a th");
});

describe("coming back with a passkey", () => {
  const older = conversation({ id: "c_old" as ConversationId, state: "closed", createdAt: noon - 2000, members: [member(), theArchive] });
  const newer = conversation({ id: "c_new" as ConversationId, state: "open", createdAt: noon - 1000, members: [member(), theArchive, nurseDana] });

  test("the chat that goes on is shown once this device is in it", async () => {
    const { session, core, memo } = visit();
    await session.boot();
    expect(await session.inside.start(true)).toBe(true);
    session.inside.returned();
    core.emit({ kind: "conversation", conversation: { ...newer, joined: false, joining: true } });
    expect(session.state.screen.at).toBe("welcome");
    core.emit({ kind: "conversation", conversation: older });
    expect(session.state.conversation?.id).toBe("c_old");
    core.emit({ kind: "conversation", conversation: newer });
    core.emit({ kind: "conversation", conversation: { ...older, unread: 3 } });
    expect(session.state.screen.at).toBe("chat");
    expect(session.state.conversation?.id).toBe("c_new");
    expect(memo.hasChat).toBe(true);
  });

  test("a device of others keeps nothing", async () => {
    const { session, core, memo } = visit();
    await session.boot();
    await session.inside.start(false);
    session.inside.returned();
    core.emit({ kind: "conversation", conversation: newer });
    expect(session.state.screen.at).toBe("chat");
    expect(memo.hasChat).toBe(false);
  });
});
