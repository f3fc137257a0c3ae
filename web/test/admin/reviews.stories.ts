// The section "Reviews".

import type * as api from "../../src/api/schema.ts";
import { now, session } from "./server.ts";
import type { Story } from "./story.ts";

const day = 86_400_000;
const review = (id: string, name: string, role: string, access: string, change: Partial<api.AccessReview> = {}): api.AccessReview => ({
  person: { id, name, role, access, title: "", login: id, queues: [], departments: [], created_at: now - 200 * day, online: false },
  privileged: false, changed: false, due_at: now + 60 * day, state: "fine", version: "5f1d", may_confirm: true, ...change,
});
const reviews: api.AccessReviews = {
  days: 90,
  reviews: [
    review("p_cleo", "Cleo Diaz", "compliance", "compliance", { privileged: true, state: "late", due_at: now - 12 * day, falls_at: now + 18 * day, last_sign_in: now - 2 * day }),
    review("p_kim", "Kim Tran", "nurse", "clinician", {
      state: "late", due_at: now - day, changed: true, confirmed_at: now - 91 * day, confirmed_by: "Robin Diaz", last_sign_in: now - 100 * day,
      person: { ...review("p_kim", "Kim Tran", "nurse", "clinician").person, title: "RN", queues: ["general"], departments: ["g_care"] },
    }),
    review("p_administrator", "Pat Rivera", "administrator", "administrator", { privileged: true, state: "soon", due_at: now + 5 * day, may_confirm: false, last_sign_in: now }),
    review("p_flo", "Flo Okafor", "front-desk", "agent", { confirmed_at: now - 30 * day, confirmed_by: "Robin Diaz", last_sign_in: now - day }),
  ],
};
const answers = {
  "GET /v1/admin/reviews/access": { ...reviews },
  "GET /v1/admin/departments": { departments: [{ id: "g_care", name: "Nurses", queues: ["general"], people: 3 }] },
};
const waiting = (as: "administrator" | "compliance") => ({ "GET /v1/staff/session": { ...session(as), reviews: 3 } });
const period = (n: number, state: api.ActivityPeriod["state"], change: Partial<api.ActivityPeriod> = {}): api.ActivityPeriod => {
  const until = Math.floor(now / day) * day + (10 - 30 * n) * day;
  return { from: until - 30 * day, until, due_at: until + 14 * day, state, ...change };
};
const activity: api.ActivityReviews = {
  days: 30, may_sign: true,
  periods: [
    period(0, "open"), period(1, "gap"), period(2, "waits"),
    period(3, "signed", { signed_by: "Sam Okafor", signed_at: now - 80 * day, note: "Two wrong sign-ins of one person, who had a new phone. Nothing else." }),
  ],
};
const kinds = ["sign-in.refused", "call.refused", "emergency.opened", "person.changed", "grant.approved", "person.disabled", "access.lapsed", "practice.configured"];
const figures: api.ActivityFigures = { figures: [...kinds.map((kind, n) => ({ kind, count: n * 3 })), { category: "export", count: 12 }] };
const figuresOf = (n: number) => {
  const p = activity.periods[n] ?? period(n, "open");
  return { [`GET /v1/admin/reviews/activity/figures?from=${p.from}&until=${p.until}`]: { ...figures } };
};
const log = { "GET /v1/admin/reviews/activity": { ...activity }, ...figuresOf(0), ...figuresOf(1), ...figuresOf(3) };
const opens = (n: number): Story["then"] => (page) => page.press(`tbody tr:nth-child(${n}) th button`);

const tick: Story["then"] = (page) => page.press("tbody input[type=checkbox]");

export const stories: Record<string, Story> = {
  reviews: { hash: "#/reviews", answers },
  "reviews-ticked": { hash: "#/reviews", answers, then: tick },
  "reviews-auditor": {
    hash: "#/reviews", as: "auditor",
    answers: { ...answers, "GET /v1/admin/reviews/access": { ...reviews, reviews: reviews.reviews.map((r) => ({ ...r, may_confirm: false })) } },
  },
  "reviews-changed-meanwhile": {
    hash: "#/reviews", answers: { ...answers, "POST /v1/admin/reviews/access": { refused: 409, code: "conflict" } },
    then: async (page) => {
      await page.press("tbody input[type=checkbox]");
      await page.press("main .row button");
    },
  },
  "reviews-late": { hash: "#/reviews?state=late", as: "compliance", answers },
  "reviews-none": { hash: "#/reviews?state=soon", answers: { ...answers, "GET /v1/admin/reviews/access": { days: 90, reviews: [] } } },
  "reviews-wait": { hash: "#/people", answers: { ...answers, ...waiting("administrator") } },
  "reviews-refused": { hash: "#/reviews", answers: { ...answers, "GET /v1/admin/reviews/access": { refused: 503, code: "unavailable" } } },
  "reviews-log": { hash: "#/reviews/log", as: "auditor", answers: log },
  "reviews-log-sign": { hash: "#/reviews/log", as: "compliance", answers: log, then: opens(2) },
  "reviews-log-no-words": {
    hash: "#/reviews/log", as: "compliance", answers: log,
    then: async (page) => {
      await opens(2)?.(page);
      await page.press("dialog[open] button[type=submit]");
    },
  },
  "reviews-log-signed": { hash: "#/reviews/log", as: "auditor", answers: log, then: opens(4) },
  "reviews-log-running": { hash: "#/reviews/log", as: "auditor", answers: log, then: opens(1) },
  "reviews-log-none": { hash: "#/reviews/log?state=gap", as: "auditor", answers: { "GET /v1/admin/reviews/activity": { ...activity, periods: [period(0, "open")] } } },
};
