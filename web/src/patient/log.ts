// The practice's audit log as the patient's chat asks of it. It loads with the
// sheets that show something of it.

import { Log, type Asks } from "../auditlog/log.svelte.ts";
import type { DevicesAsk } from "../core/shared/protocol.ts";
import type { Session } from "./model/session.ts";

/** An answer of the hub's, of which nothing is believed but what is proved; undefined if it has none. Throws if it could not be asked. */
async function ask<T>(session: Session, what: DevicesAsk, query?: string): Promise<T | undefined> {
  const { core } = session.inside;
  if (!core) throw new Error("no core");
  const got = await core.devices(what, query);
  if ("answer" in got) return got.answer as T;
  if (got.refused === "not-found") return undefined;
  throw new Error(got.refused);
}

/** The same where an answer there must be. */
export async function sure<T>(session: Session, what: DevicesAsk, query?: string): Promise<T> {
  const got = await ask<T>(session, what, query);
  if (got === undefined) throw new Error("not-found");
  return got;
}

/** The log as this browser knows it. On a device that keeps nothing, no head of it is kept either. */
export function logOf(session: Session): Log {
  const { memo, slug } = session.inside.world;
  const asks: Asks = {
    practice: slug,
    checkpoint: () => sure(session, "log/checkpoint"),
    proof: (number, size) => sure(session, "log/proof", `number=${number}&size=${size}`),
    growth: (earlier, later) => ask(session, "log/growth", `earlier=${earlier}&later=${later}`),
  };
  const store = { getItem: () => memo.log ?? null, setItem: (_: string, head: string) => void (memo.log = head) };
  return new Log(asks, session.state.keeping === "memory" ? undefined : store);
}
