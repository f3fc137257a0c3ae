// The section "Alerts". Names are made up.

import type * as api from "../../src/api/schema.ts";
import { now, session } from "./server.ts";
import type { Story } from "./story.ts";

const hour = 3_600_000;
const person = (id: string, name: string, role: string): api.Person => ({ id, kind: "staff", role, name, online: false });
const alert = (n: number, rule: api.Alert["rule"], who: api.Person, change: Partial<api.Alert> = {}): api.Alert => ({
  id: `a_${n}`, rule, person: who, day: "2026-03-09", at: now - n * 9 * hour, number: 4711 + n, raised_at: now - n * 9 * hour, due_at: now + (72 - n * 9) * hour, state: "open", ...change,
});
const kim = person("p_kim", "Kim Tran", "nurse");
const all: api.Alerts = {
  may_review: true,
  alerts: [
    alert(1, "watched", kim, { patient: "p_5hq2mz7wxk3dnl4r" }),
    alert(2, "bulk", person("p_flo", "Flo Okafor", "front-desk"), { count: 96 }),
    alert(3, "off-hours", kim),
    alert(12, "no-part", person("p_lou", "Lou Marsh", "supervisor"), { count: 7, state: "overdue" }),
    alert(13, "own-link", person("p_pat", "Pat Rivera", "administrator")),
    alert(14, "export", person("p_compliance", "Robin Diaz", "compliance"), { count: 5 }),
    alert(20, "surname", kim, { patient: "p_77ab", state: "look", note: "I ask her on Monday.", reviewer: "Sam Okafor", reviewed_at: now - 20 * hour }),
    alert(30, "apart", kim, { patient: "p_3f9c", state: "fine", note: "The patient asked for her by name.", reviewer: "Sam Okafor", reviewed_at: now - 200 * hour }),
  ],
  watches: [
    { id: "w_1", patient: "p_5hq2mz7wxk3dnl4r", reason: "known", added_by: person("p_compliance", "Robin Diaz", "compliance"), added_at: now - 400 * hour },
    { id: "w_2", patient: "p_3f9c", person: kim, reason: "family", added_by: person("p_compliance", "Robin Diaz", "compliance"), added_at: now - 300 * hour },
  ],
};
const answers = { "GET /v1/admin/alerts": { ...all } };
const staff = { "GET /v1/admin/people": { people: all.alerts.map((a) => ({ ...a.person, access: "clinician", title: "", login: a.person.id, queues: [], departments: [], created_at: 1 })).slice(0, 2), roles: [] } };
const opens = (n: number): Story["then"] => (page) => page.press(`tbody tr:nth-child(${n}) th button`);
const adds: Story["then"] = (page) => page.press("section .row button");

export const stories: Record<string, Story> = {
  alerts: { hash: "#/alerts", as: "compliance", answers },
  "alerts-wait": { hash: "#/audit", as: "auditor", answers: { ...answers, "GET /v1/staff/session": { ...session("auditor"), alerts: 4 } } },
  "alerts-auditor": { hash: "#/alerts?state=overdue", as: "auditor", answers: { "GET /v1/admin/alerts": { ...all, may_review: false } } },
  "alerts-none": { hash: "#/alerts", as: "compliance", answers: { "GET /v1/admin/alerts": { may_review: true, alerts: [], watches: [] } } },
  "alerts-loading": { hash: "#/alerts", as: "compliance", answers: { "GET /v1/admin/alerts": "never" } },
  "alerts-refused": { hash: "#/alerts", as: "compliance", answers: { "GET /v1/admin/alerts": { refused: 503, code: "unavailable" } } },
  "alerts-review": { hash: "#/alerts", as: "compliance", answers, then: opens(1) },
  "alerts-review-own": { hash: "#/alerts", as: "compliance", answers, then: opens(5) },
  "alerts-review-fine": { hash: "#/alerts", as: "compliance", answers, then: opens(7) },
  "alerts-review-no-words": {
    hash: "#/alerts", as: "compliance", answers,
    then: async (page) => {
      await opens(2)?.(page);
      await page.press("dialog[open] button[type=submit]");
    },
  },
  "alerts-watch": { hash: "#/alerts", as: "compliance", answers: { ...answers, ...staff }, then: adds },
  "alerts-watch-no-words": {
    hash: "#/alerts", as: "compliance", answers: { ...answers, ...staff },
    then: async (page) => {
      await adds?.(page);
      await page.press("dialog[open] button[type=submit]");
    },
  },
};
