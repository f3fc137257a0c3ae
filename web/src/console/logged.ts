// Whether the devices that read a chat are in the practice's log. What was once
// proved of a device is known for all chats, so that a chat with colleagues asks
// of its patient alone.

import type * as api from "../api/schema.ts";
import { Log } from "../auditlog/log.svelte.ts";
import { Members } from "../auditlog/members.svelte.ts";
import type { Core, ConversationId, DevicesAsk } from "../core/shared/protocol.ts";

export class Logged {
  private readonly core: Core;
  private readonly log: Log;
  private readonly known = new Set<string>();

  constructor(core: Core, practice: string) {
    this.core = core;
    const sure = async <T>(what: DevicesAsk, query?: string): Promise<T> => answered<T>(await core.devices(what, query));
    this.log = new Log({
      practice,
      checkpoint: () => sure("log/checkpoint"),
      proof: (number, size) => sure("log/proof", `number=${number}&size=${size}`),
      growth: async (earlier, later) => {
        const got = await core.devices("log/growth", `earlier=${earlier}&later=${later}`);
        return "refused" in got && got.refused === "not-found" ? undefined : answered<api.AuditProof>(got);
      },
    });
  }

  of(chat: ConversationId): Members {
    return new Members(
      this.log,
      {
        leaves: () => this.core.leaves(chat),
        certificates: async (person, cursor) => answered<api.AuditPage>(await this.core.certificates(chat, person, cursor)),
        pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      },
      this.known,
    );
  }
}

function answered<T>(got: { answer: unknown } | { refused: string }): T {
  if ("refused" in got) throw new Error(got.refused);
  return got.answer as T;
}
