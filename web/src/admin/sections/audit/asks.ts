import { Refused } from "../../../staff/refused.ts";
import type { Asks } from "../../../auditlog/log.svelte.ts";
import type { Admin } from "../../admin.svelte.ts";

/** How these pages ask about the log. */
export function asks(admin: Admin): Asks {
  return {
    practice: admin.session.practice,
    checkpoint: () => admin.get("/v1/audit/checkpoint"),
    proof: (number, size) => admin.get(`/v1/audit/proof?number=${number}&size=${size}`),
    growth: (earlier, later) =>
      admin.get<never>(`/v1/audit/growth?earlier=${earlier}&later=${later}`).catch((error: unknown) => {
        if (error instanceof Refused && error.refusal === "not-found") return undefined;
        throw error;
      }),
  };
}
