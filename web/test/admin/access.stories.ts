// The sections "Who can read" and "Emergency access". Names are made up.

import type * as api from "../../src/api/schema.ts";
import { now, session as sessionOf } from "./server.ts";
import type { Story } from "./story.ts";

const hour = 3_600_000;
const id = "c_abcdefghijklmnopqrstuvwxyz";
const one = (name: string, role: string, kind = "staff"): api.Person => ({ id: `p_${name}`, kind, role, ...(name ? { name } : {}), online: false });
const readers: api.ConversationReaders = {
  readers: [
    { person: one("", "patient", "patient"), way: "reads", since: now - 5 * hour, rules: ["patients-own-chats"] },
    { person: one("Archive of Riverside Family Clinic", "keeper", "service"), way: "reads", since: now - 5 * hour, rules: ["keeper-everywhere"] },
    { person: one("Dana Ortiz", "nurse"), way: "reads", since: now - 4 * hour, rules: ["staff-in-a-chat"] },
    { person: one("Samuel Lee", "physician"), way: "emergency", rules: ["clinicians-break-glass"] },
    { person: one("Alex Morgan", "supervisor"), way: "could_join", rules: ["supervisors-enter"] },
    { person: one("Pat Rivera", "administrator"), way: "cannot", rules: ["administrators-run-and-do-not-read"] },
    { person: one("Kim Tran", "front-desk"), way: "cannot", rules: [], disabled: true },
  ],
};
const says: Record<string, string> = {
  "patients-own-chats": "A patient may see their own chats, write in them, send files, close them and open them again.",
  "keeper-everywhere": "The practice's archive takes part in every chat.",
  "staff-in-a-chat": "Staff who take part in a chat may read and write there, send files, leave it and close it.",
  "clinicians-break-glass": "In an emergency a clinician may go into a chat that is closed to them, with a reason, for an hour.",
  "supervisors-enter": "A supervisor may join and take over the chats of their queues.",
  "administrators-run-and-do-not-read": "Administrators run the system. They cannot read what is said, nor join a chat.",
};
const rules: api.PolicyRules = { rules: Object.entries(says).map(([rule, text]) => ({ id: rule, says: text, forbids: false, actions: [], text: "" })) };
const emergency = (n: number, state: api.Emergency["state"], change: Partial<api.Emergency> = {}): api.Emergency => ({
  id: `e_${n}`, conversation: id, queue: "general", patient: "p_ana", person: one("Samuel Lee", "physician"), reason: "danger",
  words: "She wrote that she fell and nobody answers her.", opened_at: now - n * 24 * hour, ends_at: now - n * 24 * hour + hour, ended_at: now - n * 24 * hour + hour,
  due_at: now - n * 24 * hour + 72 * hour, state, ...change,
});
const lasting = emergency(0, "open", { opened_at: now - hour / 2, ends_at: now + hour / 2, due_at: now + 70 * hour });
delete (lasting as { ended_at?: number }).ended_at;
const emergencies: api.Emergencies = { emergencies: [lasting, emergency(4, "overdue"), emergency(9, "look", { note: "Why was the nurse not called?" }), emergency(30, "fine", { reason: "absent" })] };
const answers: NonNullable<Story["answers"]> = {
  [`GET /v1/admin/conversations/${id}/readers`]: { ...readers },
  "GET /v1/policy/rules": { ...rules },
  "GET /v1/admin/emergencies": { ...emergencies },
};

export const stories: Record<string, Story> = {
  "readers-ask": { hash: "#/readers", as: "compliance", answers },
  readers: { hash: `#/readers/${id}`, as: "compliance", answers },
  "readers-unknown": { hash: "#/readers/c_none", as: "compliance" },
  emergencies: { hash: "#/emergencies", as: "compliance", answers },
  // Who may review is told on every section, until it is done.
  "emergency-told": {
    hash: "#/readers",
    as: "compliance",
    answers: { ...answers, "GET /v1/staff/session": { ...sessionOf("compliance"), emergencies: 2 } },
  },
  "emergencies-none": { hash: "#/emergencies", as: "supervisor", answers: { "GET /v1/admin/emergencies": { emergencies: [] } } },
  "emergency-review": { hash: "#/emergencies", as: "compliance", answers, then: () => document.querySelector<HTMLButtonElement>("tbody button")?.click() },
};
