// A patient's visit in front of a scripted core, for tests of what it does.

import { practice } from "./practice.ts";
import { FakeCore, noon, type Script } from "./fakeCore.ts";
import { passingMemo, type Memo } from "../src/patient/model/memo.ts";
import type { ConversationId } from "../src/core/shared/protocol.ts";
import { Session, type Signal } from "../src/patient/model/session.ts";
import type { World } from "../src/patient/model/world.ts";

export interface Given {
  script?: Script;
  memo?: Partial<Memo>;
  world?: Partial<World>;
}

export function visit({ script = {}, memo = {}, world = {} }: Given = {}) {
  const core = new FakeCore(script);
  const remembered = { ...passingMemo(), ...memo };
  let connected = 0;
  const session = new Session({
    slug: "riverside",
    memo: remembered,
    deviceName: "Test",
    loadForm: async () => practice().consent,
    noteDeclined: () => undefined,
    loadPractice: async () => practice(),
    connect: () => {
      connected++;
      return core;
    },
    supported: () => true,
    storageWorks: async () => true,
    sha256: async (bytes) => new Uint8Array([bytes.length & 0xff]),
    language: () => "en",
    now: () => noon,
    ...world,
  });
  const signals: Signal[] = [];
  session.onSignal((signal) => signals.push(signal));
  return { session, core, memo: remembered, signals, connected: () => connected };
}

export const about = { name: "Ana", queue: "q_general", ownDevice: true };
export const texts = (session: Session): unknown[] => session.state.lines.map((line) => (line.type === "message" && line.message.body.kind === "text" ? line.message.body.text : line));
export const calls = (core: FakeCore, name: string): unknown[][] => core.calls.filter((call) => call.name === name).map((call) => [...call.args]);
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

export async function inChat(given: Given = {}) {
  const made = visit(given);
  await made.session.boot();
  made.session.happen({ kind: "start" });
  made.session.agree();
  const told = made.session.tellAboutMe(about);
  if (!given.script?.hang?.includes("start")) await told;
  await settle();
  return { ...made, id: made.session.state.conversation?.id as ConversationId };
}
