// A real Chromium on pages that are served as the hub serves them: with its
// Content-Security-Policy and Trusted Types.

import { createServer, request as callHub, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { build } from "vite";

const web = fileURLToPath(new URL("../../..", import.meta.url));

export const chromiumPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const hasChromium = existsSync(chromiumPath);

const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types svelte-trusted-html sotto-worker",
].join("; ");

const types: Record<string, string> = { ".js": "text/javascript", ".wasm": "application/wasm" };

/** Answers what is below /v1, or leaves it. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

export class TestBrowser {
  readonly origin: string;
  /** What the pages complained of: errors, refusals of the policy. */
  readonly faults: string[] = [];
  readonly requests: string[] = [];
  readonly server: Server;
  answer: Answer = () => false;
  /** Where a hub listens on localhost, if there is one. */
  hubPort: number | undefined;
  private readonly folder: string;
  private readonly browser: Browser;

  private constructor(server: Server, folder: string, browser: Browser) {
    this.server = server;
    this.folder = folder;
    this.browser = browser;
    this.origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  }

  static async launch(): Promise<TestBrowser> {
    const folder = mkdtempSync(join(tmpdir(), "sotto-browser-"));
    await build({
      root: web,
      configFile: false,
      logLevel: "warn",
      publicDir: false,
      worker: { format: "es" },
      build: {
        outDir: folder,
        emptyOutDir: true,
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        rolldownOptions: { input: join(web, "src/core/testing/page.ts"), output: { entryFileNames: "page.js" } },
      },
    });
    const server = createServer((request, response) => browser.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    const chrome = await chromium.launch({
      executablePath: chromiumPath,
      args: [
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
      ],
    });
    const browser = new TestBrowser(server, folder, chrome);
    server.on("upgrade", (request: IncomingMessage, socket: Socket) => browser.upgrade(request, socket));
    return browser;
  }

  /** A browser profile of its own. */
  context(): Promise<BrowserContext> {
    return this.browser.newContext();
  }

  async page(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on("pageerror", (error) => this.faults.push(`error: ${error.message}`));
    page.on("console", (message) => {
      // A browser prints that a fetch failed; tests make that happen.
      if (!message.text().startsWith("Failed to load resource")) this.faults.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => this.requests.push(request.url()));
    await page.goto(this.origin);
    await page.waitForFunction(() => "within" in window);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private hubHeaders(request: IncomingMessage): Record<string, string | string[] | undefined> {
    const hub = `localhost:${this.hubPort}`;
    const headers: Record<string, string | string[] | undefined> = { ...request.headers, host: hub };
    if (headers.origin !== undefined) headers.origin = `http://${hub}`;
    return headers;
  }

  private forward(request: IncomingMessage, response: ServerResponse): void {
    const { url, method } = request;
    const call = callHub({ host: "127.0.0.1", port: this.hubPort, path: url, method, headers: this.hubHeaders(request) }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    call.on("error", () => response.destroy());
    request.pipe(call);
  }

  private upgrade(request: IncomingMessage, socket: Socket): void {
    if (this.hubPort === undefined) {
      socket.destroy();
      return;
    }
    const hub = connect(this.hubPort, "127.0.0.1", () => {
      const headers = Object.entries(this.hubHeaders(request)).map(([name, value]) => `${name}: ${String(value)}`);
      hub.write([`${request.method} ${request.url} HTTP/1.1`, ...headers, "", ""].join("\r\n"));
      hub.pipe(socket);
      socket.pipe(hub);
    });
    hub.on("error", () => socket.destroy());
    socket.on("error", () => hub.destroy());
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    response.setHeader("Content-Security-Policy", policy);
    response.setHeader("X-Content-Type-Options", "nosniff");
    if (path.startsWith("/v1/")) {
      if (this.answer(request, response)) return;
      if (this.hubPort === undefined) response.writeHead(503).end();
      else this.forward(request, response);
      return;
    }
    if (path === "/") {
      response.setHeader("Content-Type", "text/html");
      response.end('<!doctype html><title>Test</title><script type="module" src="/page.js"></script>');
      return;
    }
    const file = path.startsWith("/core/") ? join(web, "public", path) : join(this.folder, path);
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("Content-Type", types[extname(path)] ?? "application/octet-stream");
    response.end(readFileSync(file));
  }
}
