import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { hasChromium, TestBrowser } from "./browser.ts";

type Said = { t: string; id?: number; value?: unknown; failure?: string; event?: { kind: string; leading?: boolean } };

declare global {
  interface Window {
    said: Said[];
    tell(event: object): void;
    handle(id: number, method: string, ...args: unknown[]): void;
    ran: number;
    hold: boolean;
  }
}

// Locks and channels between real tabs. The core in them is the test's: it
// says which tab ran a call.
describe.skipIf(!hasChromium)("several tabs", { timeout: 60_000 }, () => {
  let browser: TestBrowser;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await TestBrowser.launch();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    expect(browser.faults).toEqual([]);
  });

  beforeEach(async () => {
    context = await browser.context();
  });

  afterEach(() => context.close());

  async function tab(name: string, options: { memoryOnly?: boolean; fail?: string } = {}): Promise<Page> {
    const page = await browser.page(context);
    await page.evaluate(
      ({ name, options }) => {
        window.said = [];
        window.ran = 0;
        window.hold = false;
        const tabs = new window.within.Tabs(
          async (_, resume, onEvent) => {
            if (resume && localStorage.getItem("forgotten")) throw Object.assign(new Error("gone"), { failure: "signed-out" });
            if (options.fail) throw Object.assign(new Error("blocked"), { failure: options.fail });
            window.ran++;
            window.tell = (event) => onEvent(event as never);
            return {
              start: async () => ({ keeping: "saved", conversations: [], coreStartMs: 1 }),
              call: async (method) => {
                if (method === "forget") localStorage.setItem("forgotten", "yes");
                while (window.hold) await new Promise((resolve) => setTimeout(resolve, 20));
                return `${method} by ${name}`;
              },
            };
          },
          (message) => window.said.push(structuredClone(message) as Said),
        );
        window.handle = (id, method, ...args) => void tabs.handle({ t: "call", id, method: method as never, args });
        window.handle(1, "start", {
          surface: "patient",
          practice: "riverside",
          memoryOnly: options.memoryOnly ?? false,
          deviceName: name,
        });
      },
      { name, options },
    );
    await said(page, (all) => all.some((m) => m.id === 1));
    return page;
  }

  async function said(page: Page, until: (all: Said[]) => boolean): Promise<Said[]> {
    for (;;) {
      const all = await page.evaluate(() => window.said);
      if (until(all)) return all;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function ask(page: Page, id: number, method: string, ...args: unknown[]): Promise<Said> {
    await page.evaluate(([id, method, args]) => window.handle(id, method, ...args), [id, method, args] as const);
    const all = await said(page, (m) => m.some((one) => one.id === id));
    return all.find((one) => one.id === id) as Said;
  }

  const ran = (page: Page): Promise<number> => page.evaluate(() => window.ran);

  test("one runs the core and answers for all", async () => {
    const first = await tab("first");
    const second = await tab("second");
    const third = await tab("third");
    expect(await Promise.all([ran(first), ran(second), ran(third)])).toEqual([1, 0, 0]);
    expect((await ask(third, 2, "list", "mine")).value).toBe("list by first");
    expect((await ask(first, 2, "list", "mine")).value).toBe("list by first");
    const leading = (await said(second, () => true)).filter((m) => m.event?.kind === "leading");
    expect(leading.map((m) => m.event?.leading)).toEqual([false]);
  });

  test("what happens is told in every tab", async () => {
    const first = await tab("first");
    const second = await tab("second");
    await first.evaluate(() => window.tell({ kind: "connection", connection: "online", queued: 0 }));
    const heard = (all: Said[]): boolean => all.some((m) => m.event?.kind === "connection");
    await said(first, heard);
    await said(second, heard);
  });

  test("one that comes late is given the conversations as they are now", async () => {
    const first = await tab("first");
    await first.evaluate(() => window.tell({ kind: "conversation", conversation: { id: "c_1", unread: 1 } }));
    await first.evaluate(() => window.tell({ kind: "conversation", conversation: { id: "c_1", unread: 2 } }));
    const second = await tab("second");
    const started = (await said(second, () => true)).find((m) => m.id === 1)?.value;
    expect(started).toMatchObject({ conversations: [{ id: "c_1", unread: 2 }] });
  });

  test("when the leader closes another takes over and does what was asked", async () => {
    const first = await tab("first");
    const second = await tab("second");
    const third = await tab("third");
    await first.evaluate(() => (window.hold = true));
    await third.evaluate(() => {
      window.handle(7, "lines", "c_1");
      window.handle(8, "identify", "code");
      window.handle(10, "sendText", "c_1", "hello", "0123456789abcdef0123456789abcdef");
    });
    await second.evaluate(() => window.handle(9, "list", "mine"));
    await first.close();
    const answers = await said(third, (all) => [7, 8, 10].every((id) => all.some((m) => m.id === id)));
    expect(answers.find((m) => m.id === 7)?.value).toBe("lines by second");
    expect(answers.find((m) => m.id === 8)).toMatchObject({ t: "fail", failure: "internal" }); // might be done twice
    expect(answers.find((m) => m.id === 10)?.value).toBe("sendText by second"); // the core knows it by its name
    const own = await said(second, (all) => all.some((m) => m.id === 9));
    expect(own.find((m) => m.id === 9)?.value).toBe("list by second");
    expect(own.filter((m) => m.event?.kind === "leading").map((m) => m.event?.leading)).toEqual([false, true]);
    expect(await Promise.all([ran(second), ran(third)])).toEqual([1, 0]);
  });

  test("what the leader did not live to take is done by the next, once", async () => {
    const first = await tab("first");
    const second = await tab("second");
    void first.evaluate(() => {
      for (;;); // it hears nothing any more
    }).catch(() => undefined);
    await second.evaluate(() => window.handle(8, "identify", "code"));
    await first.close({ runBeforeUnload: false });
    const answers = await said(second, (all) => all.some((m) => m.id === 8));
    expect(answers.filter((m) => m.id === 8)).toMatchObject([{ t: "done", value: "identify by second" }]);
  });

  test("a tab that keeps nothing asks nobody", async () => {
    await tab("first");
    const second = await tab("second", { memoryOnly: true });
    expect(await ran(second)).toBe(1);
    expect((await ask(second, 2, "list", "mine")).value).toBe("list by second");
  });

  test("a start that failed can be made again, and leaves the lock to others", async () => {
    const first = await tab("first", { fail: "storage-blocked" });
    const failed = (await said(first, () => true)).find((m) => m.id === 1);
    expect(failed).toMatchObject({ t: "fail", failure: "storage-blocked" });
    const second = await tab("second");
    expect(await ran(second)).toBe(1);
  });

  test("to forget signs every tab out, and none starts again by itself", async () => {
    const first = await tab("first");
    const second = await tab("second");
    expect((await ask(second, 5, "forget")).t).toBe("done");
    const out = (all: Said[]): boolean =>
      all.some((m) => m.event?.kind === "connection" && (m.event as { connection?: string }).connection === "signed-out");
    await said(second, out);
    expect(await ran(second)).toBe(0);
    expect(await ask(first, 6, "list", "mine")).toMatchObject({ t: "fail", failure: "internal" });
  });
});
