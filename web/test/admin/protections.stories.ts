// The section "Protection".

import type * as api from "../../src/api/schema.ts";
import { now } from "./server.ts";
import type { Story } from "./story.ts";

const day = 86_400_000;
const set = (id: api.Protection["id"], value: string, usual: string, change: Partial<api.Protection> = {}): api.Protection => ({ id, value, usual, weaker: false, fixed: false, ...change });
const protections: api.Protections = {
  protections: [
    set("idle-staff", "20", "10", { weaker: true, least: 2, most: 30 }),
    set("idle-patient", "15", "15"),
    set("password-length", "12", "8", { least: 8, most: 64 }),
    set("networks", "0", "0"),
    set("proof-days", "30", "30"),
    set("access-review-days", "180", "90", { weaker: true, least: 30, most: 365 }),
    set("sso-only", "yes", "no"),
    set("sso-age", "30", "30"),
    set("sso-second-factor", "amr=mfa", "amr=mfa"),
    set("portal-age", "no", "60", { weaker: true }),
    set("group-administrators", "no", "no"),
    set("origins", "2", "0"),
    set("level", "matched", "guest", { of: "general" }),
    ...(["session-hours", "step-up-minutes", "link-hours", "emergency-minutes", "review-hours", "request-days"] as const).map((id, n) => {
      const value = ["12", "5", "72", "60", "72", "7"][n] ?? "";
      return set(id, value, value, { fixed: true });
    }),
  ],
  changes: [
    { at: now - 2 * day, id: "idle-staff", from: "10", to: "20", weaker: true },
    { at: now - 30 * day, id: "password-length", from: "8", to: "12", weaker: false },
    { at: now - 90 * day, id: "level", of: "general", from: "contact", to: "matched", weaker: false },
  ],
};

export const stories: Record<string, Story> = {
  protections: { hash: "#/protections", answers: { "GET /v1/admin/protections": { ...protections } } },
  "protections-unchanged": { hash: "#/protections", as: "auditor", answers: { "GET /v1/admin/protections": { ...protections, changes: [] } } },
};
