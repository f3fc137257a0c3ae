import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { Log } from "../../auditlog/log.svelte.ts";
import { Members } from "../../auditlog/members.svelte.ts";
import type { Conversation, Core, CoreEvent, DevicesAsk, Line } from "../shared/protocol.ts";
import { hasChromium, TestBrowser } from "./browser.ts";

const program = process.env.SOTTO ?? fileURLToPath(new URL("../../../../bin/sotto", import.meta.url));

interface Demo {
  readonly sign_ins: readonly { readonly login: string; readonly password: string }[];
}

declare global {
  interface Window {
    core: Core;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

// The core in a real browser, a real hub and a real keeper.
describe.skipIf(!hasChromium || !existsSync(program))("the core and a hub", { timeout: 60_000 }, () => {
  let browser: TestBrowser;
  let hub: ChildProcess;
  let folder: string;
  let demo: Demo;
  let patient: Page;
  let staff: Page;
  let id: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sotto-core-test-"));
    browser = await TestBrowser.launch();
    browser.hubPort = await freePort();
    const data = join(folder, "data");
    hub = spawn(
      program,
      ["serve", "--demo", "--data", data, "--listen", `127.0.0.1:${browser.hubPort}`, "--clinic-listen", `127.0.0.1:${await freePort()}`],
      { stdio: "ignore" },
    );
    for (;;) {
      if (hub.exitCode !== null) throw new Error("the hub ended");
      const ready = await fetch(`http://127.0.0.1:${browser.hubPort}/readyz`).catch(() => undefined);
      if (ready?.ok) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    demo = JSON.parse(readFileSync(join(data, "demo.json"), "utf8")) as Demo;
  }, 120_000);

  afterAll(async () => {
    hub?.kill();
    if (hub) await once(hub, "exit");
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
    expect(browser?.faults).toEqual([]);
  });

  async function arrive(surface: "patient" | "staff", context: BrowserContext): Promise<Page> {
    const page = await browser.page(context);
    const started = await page.evaluate(async (surface) => {
      window.core = window.within.connectCore();
      await window.core.subscribe((event) => window.within.events.push(event));
      return window.core.start({ surface, practice: "riverside", memoryOnly: false, deviceName: "Chromium" });
    }, surface);
    expect(started.keeping).toBe("saved");
    return page;
  }

  // Waits until the page has heard an event for which found returns true.
  async function heard(page: Page, found: (event: CoreEvent) => boolean): Promise<CoreEvent> {
    for (;;) {
      const events = await page.evaluate(() => window.within.events);
      const event = events.find(found);
      if (event) return event;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const conversation = (page: Page, found: (c: Conversation) => boolean): Promise<CoreEvent> =>
    heard(page, (e) => e.kind === "conversation" && e.conversation.id === id && found(e.conversation));

  const text = (page: Page, said: string, state?: string): Promise<CoreEvent> =>
    heard(
      page,
      (e) =>
        e.kind === "line" &&
        e.line.type === "message" &&
        e.line.message.body.kind === "text" &&
        e.line.message.body.text === said &&
        (state === undefined || e.line.message.state?.kind === state),
    );

  const say = (page: Page, said: string, name = ""): Promise<string> =>
    page.evaluate(([id, said, name]) => window.core.sendText(id as never, said, (name || window.within.newMessageName()) as never), [id, said, name] as const);

  test("a patient opens a conversation and what is typed arrives at the hub", async () => {
    patient = await arrive("patient", await browser.context());
    id = await patient.evaluate(async () => {
      const practice = (await (await fetch("/v1/practices/riverside")).json()) as {
        queues: { id: string }[];
        consent: { id: string; version: number; texts: Record<string, { sha256: string }> };
      };
      const sha256 = Uint8Array.from(atob(practice.consent.texts.en?.sha256 ?? ""), (c) => c.charCodeAt(0));
      return window.core.open({
        id: window.within.newConversationId(),
        queue: practice.queues[0]?.id ?? "",
        language: "en",
        name: "Ana",
        consents: [{ form: practice.consent.id, kind: "chat", version: practice.consent.version, language: "en", sha256 }],
      });
    });
    await say(patient, "My knee hurts.");
    await text(patient, "My knee hurts.", "sent").catch(() => text(patient, "My knee hurts.", "delivered"));
  });

  test("a nurse takes it, reads what was said before, and answers", async () => {
    const context = await browser.context();
    const page = await browser.page(context);
    const { login, password } = demo.sign_ins[0] ?? { login: "", password: "" };
    const shown = spawnSync(program, ["--data", join(folder, "data"), "demo", "code", login], { encoding: "utf8" });
    const code = shown.stdout.slice(0, 6);
    const status = await page.evaluate(
      async (body) =>
        (
          await fetch("/v1/staff/sign-in", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(body),
          })
        ).status,
      { practice: "riverside", login, password, code },
    );
    expect(status).toBeLessThan(300);
    await page.close();
    staff = await arrive("staff", context);
    await heard(staff, (e) => e.kind === "connection" && e.connection === "online");
    const waiting = await staff.evaluate(async () => (await window.core.list("waiting")).conversations.map((c) => c.id));
    expect(waiting).toContain(id);
    await staff.evaluate((id) => window.core.act(id as never, "take"), id);
    await conversation(staff, (c) => c.joined);
    await text(staff, "My knee hurts.");
    await say(staff, "Since when?");
    await text(patient, "Since when?");
    await conversation(patient, (c) => c.members.some((m) => m.kind === "staff" && m.verified));
  });

  test("both sides see the same safety code", async () => {
    const person = (page: Page): Promise<string> =>
      page.evaluate(() => {
        const conversations = window.within.events.flatMap((e) => (e.kind === "conversation" ? [e.conversation] : []));
        return conversations.at(-1)?.members.find((m) => m.me)?.person ?? "";
      });
    const code = (page: Page, other: string): Promise<string> =>
      page.evaluate(([id, other]) => window.core.safetyCode(id as never, other as never), [id, other] as const);
    const [ana, dana] = [await person(patient), await person(staff)];
    expect(await code(patient, dana)).toBe(await code(staff, ana));
    expect(await code(patient, dana)).toMatch(/^\d{5}( \d{5}){5}$/);
  });

  test("T03: each device that reads is in the hub's log, with the key of the group's tree", async () => {
    for (const page of [patient, staff]) {
      const ask = async <T>(what: DevicesAsk, query?: string): Promise<T> =>
        ((await page.evaluate(([what, query]) => window.core.devices(what, query), [what, query] as const)) as { answer: T }).answer;
      const log = new Log({
        practice: "riverside",
        checkpoint: () => ask("log/checkpoint"),
        proof: (number, size) => ask("log/proof", `number=${number}&size=${size}`),
        growth: (earlier, later) => ask("log/growth", `earlier=${earlier}&later=${later}`),
      }, undefined);
      const leaves = await page.evaluate((id) => window.core.leaves(id as never), id);
      const members = new Members(log, {
        leaves: async () => leaves,
        certificates: async (person, cursor) =>
          ((await page.evaluate(([id, person, cursor]) => window.core.certificates(id as never, person, cursor), [id, person, cursor] as const)) as { answer: never }).answer,
        pause: () => new Promise((resolve) => setTimeout(resolve, 500)),
      });
      await members.check();
      expect(leaves.map(({ person, role }) => `${role} ${members.of(person)?.standing}`).sort()).toEqual(["keeper proved", "nurse proved", "patient proved"]);
      expect([members.alarm, members.unchecked]).toEqual([false, false]);
      const stranger = await page.evaluate((id) => window.core.certificates(id as never, "p_nobody" as never), id);
      expect(stranger).toEqual({ refused: "not-found" });
    }
  });

  test("a file arrives whole, and cannot pretend to be a page", async () => {
    const size = 300_000;
    await patient.evaluate(
      async ([id, size]) => {
        const bytes = Uint8Array.from({ length: size }, (_, i) => i % 251);
        await window.core.sendFile(id as never, new Blob([bytes]), { name: "knee.html", mediaType: "text/html", size }, window.within.newMessageName());
      },
      [id, size] as const,
    );
    const event = await heard(
      staff,
      (e) => e.kind === "line" && e.line.type === "message" && e.line.message.body.kind === "file",
    );
    const line = (event as { line: Extract<Line, { type: "message" }> }).line;
    const got = await staff.evaluate(async (id) => {
      const blob = await window.core.openFile(id);
      const bytes = new Uint8Array(await blob.arrayBuffer());
      return { type: blob.type, length: bytes.length, same: bytes.every((b, i) => b === i % 251) };
    }, line.message.id);
    expect(got).toEqual({ type: "application/octet-stream", length: size, same: true });
  });

  test("what is typed with the network gone goes out by itself", async () => {
    await patient.context().setOffline(true);
    await heard(patient, (e) => e.kind === "connection" && e.connection === "offline");
    await say(patient, "Are you there?");
    await patient.context().setOffline(false);
    await text(staff, "Are you there?");
  });

  test("after a reload everything is there, and nothing twice", async () => {
    await patient.reload();
    await patient.waitForFunction(() => "within" in window);
    const lines = await patient.evaluate(async (id) => {
      window.core = window.within.connectCore();
      await window.core.subscribe((event) => window.within.events.push(event));
      await window.core.start({ surface: "patient", practice: "riverside", memoryOnly: false, deviceName: "Chromium" });
      return window.core.lines(id as never);
    }, id);
    const texts = lines.flatMap((l) => (l.type === "message" && l.message.body.kind === "text" ? [l.message.body.text] : []));
    expect(texts).toEqual(["My knee hurts.", "Since when?", "Are you there?"]);
    await say(patient, "Back again.");
    await text(staff, "Back again.");
  });

  test("a second tab shows the same, sends, and takes over when the first closes", async () => {
    const second = await arrive("patient", patient.context());
    expect(await heard(second, (e) => e.kind === "leading")).toEqual({ kind: "leading", leading: false });
    expect(await second.evaluate((id) => window.core.lines(id as never), id)).not.toHaveLength(0);
    await say(second, "From the second tab.");
    await text(staff, "From the second tab.");
    // The first tab dies with the core that is being given a message, and the
    // second gives it to its own: whoever took it, it goes out once.
    const name = "0123456789abcdef0123456789abcdef";
    const sending = say(second, "Sent as it died.", name);
    await text(patient, "Sent as it died.");
    await patient.close();
    await heard(second, (e) => e.kind === "leading" && e.leading);
    expect(await say(second, "Sent as it died.", name)).toBe(await sending);
    await text(staff, "Sent as it died.");
    await say(second, "And now alone.");
    await text(staff, "And now alone.");
    for (const page of [second, staff]) {
      const lines = await page.evaluate((id) => window.core.lines(id as never), id);
      const texts = lines.flatMap((l) => (l.type === "message" && l.message.body.kind === "text" ? [l.message.body.text] : []));
      expect(texts.slice(-3)).toEqual(["From the second tab.", "Sent as it died.", "And now alone."]);
    }
    patient = second;
  });

  test("a worker that crashes is mended", async () => {
    const [worker] = patient.workers();
    await worker?.evaluate(() => {
      setTimeout(() => {
        throw new Error("crash");
      });
    });
    await patient.waitForEvent("worker");
    const lines = await patient.evaluate((id) => window.core.lines(id as never), id);
    expect(lines.at(-1)).toMatchObject({ message: { body: { text: "And now alone." } } });
    await say(staff, "Still there?");
    await text(patient, "Still there?");
  });

  test("a chat that keeps nothing works until the page closes", async () => {
    const page = await browser.page(await browser.context());
    const started = await page.evaluate(async () => {
      window.core = window.within.connectCore();
      const options = { surface: "patient", practice: "riverside", memoryOnly: true, deviceName: "Kiosk" } as const;
      const first = await window.core.start(options);
      return { first, databases: (await indexedDB.databases()).length };
    });
    expect(started).toMatchObject({ first: { keeping: "memory", conversations: [] }, databases: 0 });
    expect(started.first.coreStartMs).toBeGreaterThan(0);
  });

  test("to forget leaves nothing behind", async () => {
    await patient.evaluate(() => window.core.forget());
    expect(await patient.evaluate(async () => (await indexedDB.databases()).length)).toBe(0);
  });
});
