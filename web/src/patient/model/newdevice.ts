import type { Core } from "../../core/shared/protocol.ts";

/** Whether another device writes as the person that was not shown here yet. What the hub told while this device was away, it tells when it is asked. */
export async function tellsOfDevice(core: Core): Promise<boolean> {
  const got = await core.devices("").catch(() => undefined);
  const told = got && "answer" in got ? (got.answer as { new?: unknown } | null)?.new : undefined;
  return typeof told === "number" && told > 0;
}
