// Starts the real programs in a temporary folder, and stops them.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Different ports of the loopback interface that were free a moment ago. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => net.createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => Object(server.address()).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** One of our programs. Its output is kept, to be searched and shown on failure. */
export class Program {
  output = "";
  #child;

  constructor(name, args, env = {}) {
    this.name = name;
    this.args = args;
    this.env = env;
  }

  get pid() {
    return this.#child?.pid;
  }

  start() {
    this.#child = spawn(path.join(root, "bin", this.name), this.args, {
      env: { ...process.env, ...this.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on("data", (chunk) => (this.output += chunk));
    }
    return this;
  }

  async stop(signal = "SIGTERM") {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  async restart() {
    await this.stop();
    this.start();
  }
}

/** `sotto serve --demo` on free ports. */
export class Demo {
  clinicHost = "";
  folder = "";
  port = 0;
  clinicPort = 0;
  /** @type {Program} */
  program;
  /** What the demo says of itself: its sign-ins and addresses. @type {any} */
  info;

  /**
   * clinicHost is where the clinic's page is: 127.0.0.2 is another site than
   * the chat's localhost. reviewsBegan is how many days ago the practice's
   * reviews began, if not just now.
   *
   * @param {{ clinicHost?: string, reviewsBegan?: number }} how
   */
  static async start({ clinicHost = "127.0.0.1", reviewsBegan } = {}) {
    const demo = new Demo();
    demo.clinicHost = clinicHost;
    demo.folder = await mkdtemp(path.join(os.tmpdir(), "sotto-e2e-"));
    if (reviewsBegan !== undefined) {
      const data = path.join(demo.folder, "data");
      await run(path.join(root, "bin", "sotto"), ["--data", data, "practice", "apply", path.join(root, "internal/demo/riverside.json")]);
      await run("go", ["run", "./e2e/begun", data, "riverside", String(reviewsBegan)], { cwd: root });
    }
    [demo.port, demo.clinicPort] = await freePorts(2); // as late as can be: others ask for ports too
    demo.program = new Program("sotto", [
      "serve", "--demo",
      "--data", path.join(demo.folder, "data"),
      "--listen", `127.0.0.1:${demo.port}`,
      "--clinic-listen", `${clinicHost}:${demo.clinicPort}`,
    ]).start();
    await demo.ready();
    demo.info = JSON.parse(await readFile(path.join(demo.folder, "data", "demo.json"), "utf8"));
    return demo;
  }

  get origin() {
    return `http://localhost:${this.port}`;
  }

  get clinic() {
    return `http://${this.clinicHost === "127.0.0.1" ? "localhost" : this.clinicHost}:${this.clinicPort}`;
  }

  signIn(login) {
    return this.info.sign_ins.find((s) => s.login === login);
  }

  async ready() {
    for (let tries = 0; tries < 1200; tries++) {
      try {
        const answer = await fetch(`${this.origin}/readyz`);
        if (answer.ok) return;
      } catch {
        // not listening yet
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the server does not answer:\n${this.program.output}`);
  }

  async end() {
    await this.program.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * What stands before a server and lets no connection become a WebSocket, as
 * some hospitals' proxies do. Returns where it is, and whether it was asked to.
 *
 * @param {number} port of the server
 */
export async function withoutUpgrades(port) {
  let refused = 0;
  const proxy = http.createServer((asked, answer) => {
    const on = http.request({ port, host: "127.0.0.1", method: asked.method, path: asked.url, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    on.on("error", () => answer.destroy());
    answer.on("close", () => on.destroy());
    asked.pipe(on);
  });
  proxy.on("upgrade", (_, socket) => {
    refused++;
    socket.end("HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\n\r\n");
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return {
    origin: `http://localhost:${Object(proxy.address()).port}`,
    refused: () => refused,
    end: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}
