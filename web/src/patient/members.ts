// Whether the devices that read the chat are in the practice's log. It loads with
// the sheet of who can read it.

import type * as api from "../api/schema.ts";
import { Members, type Of, type Standing } from "../auditlog/members.svelte.ts";
import { t, type WordKey } from "../ui/words.svelte.ts";
import { logOf } from "./log.ts";
import type { Session } from "./model/session.ts";

/** Of the chat that is open. Throws if none is. */
export function membersOf(session: Session): Members {
  const { core, conversation } = session.inside;
  if (!core || !conversation) throw new Error("no chat");
  return new Members(logOf(session), {
    leaves: () => core.leaves(conversation.id),
    certificates: async (person, cursor) => {
      const got = await core.certificates(conversation.id, person, cursor);
      if ("refused" in got) throw new Error(got.refused);
      return got.answer as api.AuditPage;
    },
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
}

const words: Record<Standing, WordKey> = {
  checking: "patient.logged.checking",
  proved: "patient.logged.proved",
  unnamed: "patient.logged.unnamed",
  young: "patient.logged.young",
  missing: "patient.logged.missing",
  failed: "patient.logged.failed",
};
/** "2 devices · in our log, proof checked" */
export const standingWords = ({ devices: count, standing }: Of): string => `${t("patient.logged.devices", { count })} · ${t(words[standing], { count })}`;
