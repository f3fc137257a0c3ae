// What the screens of alerts say.

import type * as api from "../../../api/schema.ts";
import type { WordKey } from "../../../ui/words.svelte.ts";

export const rules: Record<api.Alert["rule"], WordKey> = {
  apart: "admin.alerts.apart",
  watched: "admin.alerts.watched",
  surname: "admin.alerts.surname",
  bulk: "admin.alerts.bulk",
  "off-hours": "admin.alerts.hours",
  export: "admin.alerts.export",
  "no-part": "admin.alerts.noPart",
  "own-link": "admin.alerts.ownLink",
};
export const states: Record<api.Alert["state"], WordKey> = {
  open: "admin.alerts.open",
  overdue: "admin.alerts.overdue",
  look: "admin.alerts.look",
  fine: "admin.alerts.fine",
};
export const tones = { open: "warn", overdue: "bad", look: "bad", fine: "good" } as const;

export const reasons: Record<api.PatientWatch["reason"], WordKey> = {
  known: "admin.alerts.known",
  staff: "admin.alerts.staff",
  family: "admin.alerts.family",
  asked: "admin.alerts.asked",
  other: "admin.alerts.other",
};
