import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { hasChromium, TestBrowser } from "./browser.ts";

declare global {
  interface Window {
    heard: string[];
    follow(): Promise<string>;
    stopFollowing(): void;
  }
}

// The push connection against a hub that the test plays: sockets by
// Playwright, polls by the test's server.
describe.skipIf(!hasChromium)("the push connection", { timeout: 60_000 }, () => {
  let browser: TestBrowser;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await TestBrowser.launch();
  }, 60_000);

  afterAll(() => browser.close());

  beforeEach(async () => {
    browser.answer = () => false;
    context = await browser.context();
  });

  afterEach(() => context.close());

  async function follower(): Promise<Page> {
    const page = await browser.page(context);
    await page.evaluate(() => {
      window.heard = [];
      const http = new window.within.Http(location.origin);
      http.setToken("token-1");
      const events = new window.within.Events({
        url: location.origin.replace(/^http/, "ws") + "/v1/events",
        token: () => http.token,
        poll: (cursor, signal) => http.poll(cursor, signal),
      });
      window.follow = () => {
        const stop = new AbortController();
        window.stopFollowing = () => stop.abort();
        return events
          .follow((event) => window.heard.push(event.type), stop.signal)
          .catch((error: { problem?: { code: string } }) => `refused: ${error.problem?.code}`);
      };
    });
    return page;
  }

  test("says hello with the token in the first message, never in the address", async () => {
    const hellos: string[] = [];
    const addresses: string[] = [];
    await context.routeWebSocket(/\/v1\/events/, (socket) => {
      addresses.push(socket.url());
      socket.onMessage((message) => {
        hellos.push(String(message));
        socket.send('{"type":"ready","heads":[]}');
        socket.send('{"type":"frame"}');
        socket.send("not json");
        socket.send('{"no":"type"}');
        void socket.close();
      });
    });
    const page = await follower();
    expect(await page.evaluate(() => window.follow())).toBe("closed");
    expect(hellos).toEqual(['{"type":"hello","token":"token-1"}']);
    expect(addresses.join()).not.toContain("token");
    expect(await page.evaluate(() => window.heard)).toEqual(["ready", "frame"]);
  });

  test("a session that ended is a refusal, so that the core signs in anew", async () => {
    await context.routeWebSocket(/\/v1\/events/, (socket) => {
      socket.onMessage(() => {
        socket.send('{"type":"ready"}');
        socket.send('{"type":"ended"}');
      });
    });
    const page = await follower();
    expect(await page.evaluate(() => window.follow())).toBe("refused: unauthenticated");
  });

  test("can be stopped, and ends when the browser goes offline", async () => {
    await context.routeWebSocket(/\/v1\/events/, (socket) => socket.onMessage(() => socket.send('{"type":"ready"}')));
    const page = await follower();
    const ready = (): Promise<unknown> => page.waitForFunction(() => window.heard.includes("ready"));
    const stopped = page.evaluate(() => window.follow());
    await ready();
    await page.evaluate(() => window.stopFollowing());
    expect(await stopped).toBe("closed");
    await page.evaluate(() => (window.heard = []));
    const cut = page.evaluate(() => window.follow());
    await ready();
    await context.setOffline(true);
    expect(await cut).toBe("closed");
    expect(await page.evaluate(() => window.follow())).toBe("unreachable");
  });

  test("after two sockets that did not open, it polls", async () => {
    let sockets = 0;
    await context.routeWebSocket(/\/v1\/events/, (socket) => {
      sockets++;
      void socket.close();
    });
    const cursors: (string | null)[] = [];
    const tokens = new Set<string | undefined>();
    browser.answer = (request, response) => {
      cursors.push(new URL(request.url ?? "", browser.origin).searchParams.get("cursor"));
      tokens.add(request.headers.authorization);
      const n = cursors.length;
      if (n > 3) return true; // held
      response.setHeader("Content-Type", "application/json");
      const events = n === 2 ? [{ type: "frame" }] : [];
      response.end(JSON.stringify({ events, cursor: `at-${n}`, reset: n === 3 }));
      return true;
    };
    const page = await follower();
    expect(await page.evaluate(() => window.follow())).toBe("unreachable");
    expect(await page.evaluate(() => window.follow())).toBe("unreachable");
    const polling = page.evaluate(() => window.follow());
    await page.waitForFunction(() => window.heard.length === 3);
    expect(await page.evaluate(() => window.heard)).toEqual(["ready", "frame", "ready"]);
    expect(cursors.slice(0, 3)).toEqual([null, "at-1", "at-2"]);
    expect([...tokens]).toEqual(["Bearer token-1"]);
    await page.evaluate(() => window.stopFollowing());
    expect(await polling).toBe("closed");
    await page.evaluate(() => window.follow()); // and then tries a socket again
    expect(sockets).toBe(3);
  });
});
