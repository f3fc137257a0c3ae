import { describe, expect, it } from "vitest";

import { CoreError } from "../src/core/shared/failure.ts";
import type { ConversationId, PersonId } from "../src/core/shared/protocol.ts";
import type { StaffSession } from "../src/staff/account.ts";
import { Desk, type DeskOptions, type News } from "../src/console/desk.svelte.ts";
import type { Clock } from "../src/console/model/undo.ts";
import { chat, ConsoleFake, dana, lee, LogWriter, patient, staff, type Script } from "./consoleFake.ts";

const session: StaffSession = { practice: "riverside", person: { id: dana, role: "nurse", name: "Dana Ortiz" }, login: "dana", expires_at: 0, idle_at: 0, idle_seconds: 600, locked: false, password_expired: false, has_passkey: false, new_sign_ins: 0, new_devices: 0, stated_grants: [], emergencies: 0, alerts: 0, approvals: 0, reviews: 0, may: ["conversations.queues"] };
const one = "c_one" as ConversationId;
const ana = "p_ana" as PersonId;

function manual(): Clock & { pass(ms: number): void } {
  let now = 1_000_000;
  let timers: { at: number; then: () => void }[] = [];
  return {
    now: () => now,
    after(ms, then) {
      const timer = { at: now + ms, then };
      timers.push(timer);
      return () => void (timers = timers.filter((t) => t !== timer));
    },
    pass(ms) {
      now += ms;
      for (const t of timers.filter((t) => t.at <= now)) {
        timers = timers.filter((other) => other !== t);
        t.then();
      }
    },
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

async function opened(script: Script = {}, more: Pick<DeskOptions, "look"> = {}) {
  const core = new ConsoleFake(script);
  const clock = manual();
  const news: News[] = [];
  const desk = new Desk({ core, session, practice: undefined, deviceName: "Test", clock, news: (n) => news.push(n), ...more });
  await desk.start();
  await settle();
  return { core, clock, news, desk };
}

const joined = () =>
  chat("c_one", { state: "open", assignee: dana, joined: true, patient: ana, unread: 2, members: [patient("p_ana", "Ana"), staff(dana)] });
const log = () => new LogWriter("c_one", 0).says(ana, "Hello").says(dana, "Hi").says(ana, "It hurts").says(ana, "a lot").lines;

describe("starting", () => {
  it("waits on a new browser until the keeper has confirmed it", async () => {
    const { core, desk } = await opened({ known: false, connection: "connecting", conversations: [chat("c_one")] });
    expect(desk.phase).toBe("preparing");
    expect(core.named("list")).toEqual([]);
    core.emit({ kind: "connection", connection: "online", queued: 0 });
    await settle();
    expect(desk.phase).toBe("ready");
    expect(desk.list("waiting")).toHaveLength(1);
  });

  it("shows what is kept at once, also without the server", async () => {
    const { desk } = await opened({ connection: "offline", conversations: [joined()], fail: { list: "offline" } });
    expect(desk.phase).toBe("ready");
    expect(desk.list("mine")).toHaveLength(1);
  });

  it("says so when the core cannot run", async () => {
    const { desk } = await opened({ fail: { start: "storage-full" } });
    expect(desk.phase).toBe("failed");
    expect(desk.failure).toBe("storage-full");
  });

  it("asks to sign in again when the session is over, and keeps what was typed", async () => {
    const { core, desk } = await opened({ conversations: [joined()], lines: { c_one: log() } });
    desk.setDraft(one, "half a sen");
    core.script.fail = { sendText: "signed-out" };
    await desk.send(one, "half a sentence");
    expect(desk.connection).toBe("signed-out");
    expect(desk.draft(one)).toBe("half a sentence");
  });
});

describe("taking", () => {
  it("moves the chat to mine", async () => {
    const { desk } = await opened({ conversations: [chat("c_one")] });
    expect(await desk.act(one, "take")).toBe(true);
    expect(desk.list("waiting")).toEqual([]);
    expect(desk.list("mine")[0]).toMatchObject({ id: "c_one", joining: true });
  });

  it("tells who was faster, and since when", async () => {
    const { core, clock, desk } = await opened({ conversations: [chat("c_one")], fail: { act: "taken" } });
    const lost = desk.act(one, "take");
    core.change("c_one", { state: "open", assignee: lee, members: [staff(lee)] });
    expect(await lost).toBe(false);
    expect(desk.taken).toMatchObject([{ name: "Sam Lee", at: 1_000_000 }]);
    clock.pass(20_000);
    expect(desk.taken).toEqual([]);
  });

  it("tells who had it that somebody took it over, until they have read it", async () => {
    const { core, clock, desk } = await opened({ conversations: [joined()] });
    core.change("c_one", { assignee: lee, joined: false, members: [patient("p_ana", "Ana"), staff(lee)] });
    expect(desk.taken).toMatchObject([{ conversation: { id: one }, over: true }]);
    clock.pass(60_000);
    expect(desk.taken).toHaveLength(1);
    desk.dismissTaken(one);
    expect(desk.taken).toEqual([]);
  });

  it("does not tell who let it go themselves, and tells them again the next time", async () => {
    const { core, desk } = await opened({ conversations: [joined()] });
    await desk.act(one, "leave");
    core.change("c_one", { assignee: lee });
    expect(desk.taken).toEqual([]);
    desk.lets(one);
    core.change("c_one", { assignee: dana });
    core.change("c_one", { assignee: lee });
    expect(desk.taken).toHaveLength(1);
  });

  it("is done once, however often the button is pressed", async () => {
    const { core, desk } = await opened({ conversations: [chat("c_one")] });
    await Promise.all([desk.act(one, "take"), desk.act(one, "take")]);
    expect(core.named("act")).toHaveLength(1);
  });
});

describe("closing", () => {
  it("waits ten seconds, and can be taken back", async () => {
    const { core, clock, desk } = await opened({ conversations: [joined()] });
    desk.closeSoon(one);
    expect(desk.closing.has(one)).toBe(true);
    clock.pass(9_000);
    desk.undoClose(one);
    clock.pass(9_000);
    expect(core.named("act")).toEqual([]);
    desk.closeSoon(one);
    clock.pass(10_000);
    await settle();
    expect(core.named("act")).toEqual([["c_one", "close"]]);
    expect(desk.list("closed")).toHaveLength(1);
  });

  it("is not for who is in by an emergency", async () => {
    const { clock, core, desk } = await opened({ conversations: [{ ...joined(), members: [patient("p_ana", "Ana"), staff(dana, { emergency: true })] }] });
    desk.closeSoon(one);
    clock.pass(10_000);
    await settle();
    expect(core.named("act")).toEqual([]);
  });

  it("is done at once when the page goes away", async () => {
    const { core, desk } = await opened({ conversations: [joined()] });
    desk.closeSoon(one);
    desk.setDraft(one, "half an ans");
    await desk.flush(); // whoever signs out waits for it
    expect(core.named("act")).toEqual([["c_one", "close"]]);
    expect(core.named("saveDraft")).toEqual([["c_one", "half an ans"]]);
    core.script.hang = ["saveDraft"];
    desk.setDraft(one, "half an answer");
    expect(await Promise.race([desk.flush().then(() => "gone"), settle().then(() => "waits")])).toBe("waits");
  });
});

describe("reading", () => {
  it("stands the New line before what was not read", async () => {
    const { desk } = await opened({ conversations: [joined()], lines: { c_one: log() } });
    await desk.show(one);
    expect(desk.thread(one).lines).toHaveLength(4);
    expect(desk.thread(one).readUpTo).toBe(2);
  });

  it("marks read what is seen, once", async () => {
    const { core, desk } = await opened({ conversations: [joined()], lines: { c_one: log() } });
    await desk.show(one);
    desk.seen(one);
    desk.seen(one);
    await settle();
    expect(core.named("markRead")).toEqual([["c_one", 4]]);
    expect(desk.unread).toBe(0);
  });

  it("asks for the log again once this device was added", async () => {
    const { core, desk } = await opened({ conversations: [chat("c_one")], lines: { c_one: log() } });
    await desk.act(one, "take");
    await desk.show(one);
    expect(core.named("lines")).toEqual([]);
    core.change("c_one", { joined: true, joining: false });
    await settle();
    expect(desk.thread(one).lines).toHaveLength(4);
    expect(desk.thread(one).whole).toBe(true);
  });

  it("knows by name whoever has left", async () => {
    const { core, desk } = await opened({ conversations: [joined()] });
    core.change("c_one", { members: [patient("p_ana", "Ana"), staff(dana), staff(lee)] });
    core.change("c_one", { members: [patient("p_ana", "Ana"), staff(dana)] });
    expect(desk.remembered(lee)?.name).toBe("Sam Lee");
  });

  it("tells of a message of another, and not of an own or a shared one", async () => {
    const { core, news } = await opened({ conversations: [joined()], lines: { c_one: log() } });
    for (const line of new LogWriter("c_one", 0).says(ana, "new").says(dana, "own").says(ana, "old", { shared: true }).lines) {
      core.emit({ kind: "line", line });
    }
    expect(news.map((n) => n.kind)).toEqual(["message"]);
  });
});

describe("writing", () => {
  it("keeps a draft for each chat, and saves it a moment later", async () => {
    const { core, clock, desk } = await opened({ conversations: [joined()] });
    desk.setDraft(one, "H");
    desk.setDraft(one, "Hello");
    expect(core.named("saveDraft")).toEqual([]);
    clock.pass(500);
    expect(core.named("saveDraft")).toEqual([["c_one", "Hello"]]);
    expect(desk.draft("c_two" as ConversationId)).toBe("");
  });

  it("gives the text back when the core could not keep it", async () => {
    const { desk } = await opened({ conversations: [joined()], fail: { sendText: "storage-full" } });
    expect(await desk.send(one, "important")).toBe(false);
    expect(desk.draft(one)).toBe("important");
    expect(desk.returned).toEqual({ conversation: "c_one", text: "important" });
    expect(desk.toasts).toMatchObject([{ tone: "bad", key: "console.failure.storageFull" }]);
  });

  it("lets go of the draft only as the core takes the text, which has one name however often it is sent", async () => {
    const { core, clock, desk } = await opened({ conversations: [joined()], fail: { sendText: "internal" } });
    desk.setDraft(one, "important");
    clock.pass(500);
    await desk.send(one, "important");
    expect(core.named("saveDraft")).toEqual([["c_one", "important"]]);
    await desk.send(one, "important");
    await desk.send(one, "important");
    const names = core.named("sendText").map(([, , name]) => name);
    expect(names[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(names[1]).toBe(names[0]); // which the core may have taken before it failed
    expect(names[2]).not.toBe(names[0]);
  });

  it("says the same words twice to whoever writes them twice", async () => {
    const { core, desk } = await opened({ conversations: [joined()] });
    await Promise.all([desk.send(one, "Yes"), desk.send(one, "Yes")]);
    core.script.fail = { sendText: "internal" };
    await desk.send(one, "Yes");
    desk.setDraft(one, ""); // what came back is thought better of
    desk.setDraft(one, "Yes");
    await desk.send(one, "Yes");
    expect(new Set(core.named("sendText").map(([, , name]) => name)).size).toBe(4);
  });

  it("gives back the files that did not go, and those alone", async () => {
    const { core, desk } = await opened({ conversations: [joined()] });
    const info = (name: string) => ({ name, mediaType: "application/pdf", size: 1 });
    const staging = desk.staging(one);
    staging.files = ["a.pdf", "b.pdf"].map((name, id) => ({ id, name, state: "ready", info: info(name), blob: new Blob(), cleaned: false }) as const);
    const sendFile = core.sendFile.bind(core);
    core.sendFile = (c, blob, i, n) => (i.name === "b.pdf" ? Promise.reject(new CoreError("too-large")) : sendFile(c, blob, i, n));
    expect(await desk.send(one, "see these")).toBe(false);
    expect(core.named("sendText")).toHaveLength(1);
    expect(desk.staging(one).files.map((f) => f.name)).toEqual(["b.pdf"]);
    expect(desk.draft(one)).toBe("");
  });
});

describe("the line to the server", () => {
  it("counts what waits, and asks for the lists again when it is back", async () => {
    const { core, clock, desk } = await opened({ conversations: [joined()] });
    const before = core.named("list").length;
    core.emit({ kind: "connection", connection: "offline", queued: 3 });
    expect(desk.queued).toBe(3);
    core.emit({ kind: "connection", connection: "online", queued: 0 });
    clock.pass(1000);
    await settle();
    expect(core.named("list").length).toBe(before + 4);
  });
});

describe("devices that speak for one", () => {
  it("T03: are counted anew when the hub says so, and when the connection comes back", async () => {
    let unseen = 0;
    const { core, desk } = await opened({}, { look: async () => ({ emergencies: 0, new_devices: unseen, new_sign_ins: 2 * unseen, stated_grants: [] }) });
    expect(desk.newDevices).toBe(0);
    unseen = 1;
    core.emit({ kind: "devices" });
    await settle();
    expect(desk.newDevices).toBe(1);
    expect(desk.newSignIns).toBe(2);
    unseen = 2;
    core.emit({ kind: "connection", connection: "offline", queued: 0 });
    core.emit({ kind: "connection", connection: "online", queued: 0 });
    await settle();
    expect(desk.newDevices).toBe(2);
  });
});

describe("grants of which somebody said that one agreed", () => {
  it("are there as soon as the hub says so", async () => {
    const stated: StaffSession["stated_grants"] = [{ by: "Lee", relation: { id: "r_1", active: true, holder: "p_1", subject: "p_2", kind: "carer", minor: false, queues: [], starts_at: 0 } }];
    let said: StaffSession["stated_grants"] = [];
    const { core, desk } = await opened({}, { look: async () => ({ emergencies: 0, new_devices: 0, new_sign_ins: 0, stated_grants: said }) });
    expect(desk.statedGrants).toEqual([]);
    said = stated;
    core.emit({ kind: "emergency" });
    await settle();
    expect(desk.statedGrants).toEqual(stated);
  });

  it("go when one says that one did, and do not come again", async () => {
    const stated: StaffSession["stated_grants"] = [{ by: "Lee", relation: { id: "r_2", active: true, holder: "p_1", subject: "p_2", kind: "carer", minor: false, queues: [], starts_at: 0 } }];
    const { core, desk } = await opened({}, { look: async () => ({ emergencies: 0, new_devices: 0, new_sign_ins: 0, stated_grants: stated }) });
    core.emit({ kind: "emergency" });
    await settle();
    desk.answerGrant("r_2", true);
    expect(desk.statedGrants).toEqual([]);
    core.emit({ kind: "emergency" });
    await settle();
    expect(desk.statedGrants).toEqual([]);
  });
});

describe("emergency accesses to review", () => {
  it("are counted anew when the hub says so, and told when there are more", async () => {
    let waiting = 1;
    const { core, desk, news } = await opened({}, { look: async () => ({ emergencies: waiting, new_devices: 0, new_sign_ins: 0, stated_grants: [] }) });
    expect(desk.toReview).toBe(1);
    waiting = 2;
    core.emit({ kind: "emergency" });
    await settle();
    expect(desk.toReview).toBe(2);
    waiting = 0;
    core.emit({ kind: "emergency" });
    await settle();
    expect(desk.toReview).toBe(0);
    expect(news.filter((n) => n.kind === "emergency")).toHaveLength(2);
  });
});
