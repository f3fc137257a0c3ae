// The worker: holds the keys, runs the core, answers the page. It logs nothing,
// ever, and lets no error text out.

import type { CoreEvent, StartOptions } from "../shared/protocol.ts";
import type { FromWorker } from "../shared/wire.ts";
import { isRecord } from "../shared/wire.ts";
import { isCall } from "./check.ts";
import { CoreLoader, RunningCore } from "./core.ts";
import { Tabs } from "./tabs.ts";

function toPage(message: FromWorker): void {
  postMessage(message);
}

const loader = new CoreLoader();
loader.load().catch(() => undefined); // early; start tells if it went wrong

const tabs = new Tabs(
  (options: StartOptions, resume: boolean, onEvent: (event: CoreEvent) => void) =>
    RunningCore.run(loader, options, resume, { event: onEvent, died: () => toPage({ t: "dead" }) }),
  toPage,
);

addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  if (isCall(data)) void tabs.handle(data);
  else if (isRecord(data) && data.t === "ping") toPage({ t: "alive" });
  else if (isRecord(data) && data.t === "network") dispatchEvent(new Event(data.online === true ? "online" : "offline"));
  // A call of the wrong shape is the page's mistake; it still gets an answer.
  else if (isRecord(data) && typeof data.id === "number") toPage({ t: "fail", id: data.id, failure: "internal" });
});
