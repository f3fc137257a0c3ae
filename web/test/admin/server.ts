// A scripted server for the stories of the administrators' page.

import type * as api from "../../src/api/schema.ts";
import { practiceAnswer } from "../practice.ts";
import type { Answer, Story } from "./story.ts";

export const now = Date.now();

/** What each role may do somewhere in the practice, as docs/policy.md says. */
const may: Record<NonNullable<Story["as"]>, readonly string[]> = {
  administrator: ["practice.configure", "practice.departments", "person.add", "person.grant", "person.review", "person.disable", "person.revoke", "person.invite", "person.list", "practice.inspect", "consent.forms", "consent.write"],
  compliance: ["patient.unite", "person.list", "person.review", "audit.read", "audit.export", "audit.review", "patient.access", "patient.disclose", "policy.explain", "emergency.review", "practice.inspect", "consent.forms", "consent.write", "consent.receipts"],
  auditor: ["person.list", "audit.read", "audit.export", "audit.review", "patient.access", "policy.explain", "practice.inspect", "consent.forms", "consent.receipts"],
  supervisor: ["patient.unite", "conversations.queues", "conversation.bring", "emergency.review"],
  nurse: ["conversations.queues"],
};
const names = { administrator: "Pat Rivera", compliance: "Robin Diaz", auditor: "Sam Okafor", supervisor: "Alex Morgan", nurse: "Dana Ortiz" };

export function session(as: NonNullable<Story["as"]>): api.StaffSession {
  return {
    id: "s_1", practice: "riverside", person: { id: `p_${as}`, kind: "staff", role: as, name: names[as], online: true },
    login: as, expires_at: now + 3_600_000, idle_at: now + 600_000, idle_seconds: 600, locked: false, password_expired: false,
    has_passkey: false, new_sign_ins: 0, new_devices: 0, stated_grants: [], emergencies: 0, alerts: 0, approvals: 0, reviews: 0, may: [...may[as]],
  };
}

export function server(story: Story): typeof fetch {
  const answers: NonNullable<Story["answers"]> = {
    "GET /v1/staff/session": { ...session(story.as ?? "administrator") },
    "GET /v1/practices/riverside": practiceAnswer(),
    "POST /v1/staff/active": {},
    "POST /v1/staff/lock": {},
    ...story.answers,
  };
  return async (input, init) => {
    const call = `${init?.method ?? "GET"} ${String(input)}`;
    const scripted = answers[call];
    const body: unknown = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
    const said: Answer = typeof scripted === "function" ? scripted(body) : (scripted ?? { refused: 404, code: "not-found" });
    if (said === "never") return new Promise(() => undefined);
    if ("refused" in said) return json(Number(said.refused), { code: said.code, request_id: "7f3k" });
    return json(200, said);
  };
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}
