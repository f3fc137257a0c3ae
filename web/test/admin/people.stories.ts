// The section "People". Names are made up.

import type * as api from "../../src/api/schema.ts";
import { t } from "../../src/ui/words.svelte.ts";
import { covered } from "./covered.ts";
import { now, session as sessionOf } from "./server.ts";
import type { Story } from "./story.ts";

const day = 86_400_000;

function person(id: string, name: string, role: string, access: string, change: Partial<api.StaffMember> = {}): api.StaffMember {
  return { id, name, login: name.toLowerCase().replace(/[^a-z]+/g, "."), title: "", role, access, queues: [], departments: [], created_at: now - 90 * day, online: false, ...change };
}

const dana = person("p_dana", "Dana Ortiz", "nurse", "clinician", { title: "Registered nurse", online: true, queues: ["q_rx"], departments: ["g_family"] });
const people: api.StaffMember[] = [
  person("p_administrator", "Pat Rivera", "administrator", "administrator", { online: true }),
  dana,
  person("p_lee", "Samuel Lee", "physician", "clinician", { departments: ["g_new"] }),
  person("p_kim", "Kim Tran", "front-desk", "agent", { queues: ["q_visit"] }),
  person("p_robin", "Robin Diaz", "compliance", "compliance"),
  person("p_sam", "Sam Okafor", "auditor", "auditor"),
  person("p_long", "Maximiliana Featherstonehaugh-Cholmondeley", "therapist", "clinician", { disabled_at: now - 3 * day }),
];
const roles: api.RoleInfo[] = ["nurse:clinician", "physician:clinician", "front-desk:agent", "supervisor:supervisor", "compliance:compliance", "administrator:administrator", "auditor:auditor"].map((each) => {
  const [role = "", access = ""] = each.split(":");
  return { role, access, privileged: ["supervisor", "compliance", "administrator", "auditor"].includes(access) };
});
const list = { people, roles } satisfies api.StaffMembers;

const detail: api.StaffPerson = {
  person: dana,
  factors: [
    { id: "f_1", kind: "passkey", name: "My phone", synced: true, created_at: now - 60 * day, used_at: now - 3_600_000 },
    { id: "password", kind: "password", name: "", synced: false, created_at: now - 60 * day },
    { id: "f_2", kind: "app", name: "", synced: false, created_at: now - 60 * day, used_at: now - 9 * day },
  ],
  recovery_codes: 9,
  devices: [
    { id: "d_1", name: "Chrome on Windows", current: false, created_at: now - 60 * day, certified: true, needs_voucher: false },
    { id: "d_2", name: "Safari on iOS", current: false, created_at: now - 40 * day, certified: true, needs_voucher: false, revoked_at: now - 2 * day },
  ],
  sessions: [{ id: "s_2", current: false, method: "passkey", browser: "Chrome", address: "192.0.2.7", created_at: now - 3_600_000, used_at: now - 60_000, expires_at: now + 7_200_000, locked: false }],
  last_sign_in: { id: "i_1", at: now - 3_600_000, method: "passkey", outcome: "signed-in", browser: "Chrome", address: "192.0.2.7", new: false, seen: true },
  conversations: 4,
};
const departments: api.Departments = {
  departments: [
    { id: "g_family", name: "Family medicine", queues: ["q_general", "q_visit"], people: 1, created_at: now - 90 * day },
    { id: "g_new", name: "Travel clinic", queues: [], people: 0, created_at: now - day },
    { id: "g_old", name: "Weight clinic", queues: [], people: 0, created_at: now - 900 * day, retired_at: now - 30 * day },
  ],
};
const request = (id: string, change: Partial<api.GrantRequest>): api.GrantRequest => ({
  id, kind: "role", person: { id: "p_dana", kind: "staff", role: "nurse", name: "Dana Ortiz", online: true }, role: "supervisor", was: "nurse", requester: "p_other", requested_by: "Alex Morgan",
  reason: "Leads the ward from Monday", requested_at: now - 3_600_000, expires_at: now + 6 * day, state: "open", may_decide: true, ...change,
});
const requests: api.GrantRequests = {
  requests: [
    request("q_1", {}),
    request("q_2", { kind: "link", person: { id: "p_robin", kind: "staff", role: "compliance", name: "Robin Diaz", online: false }, requester: "p_administrator", requested_by: "Pat Rivera", reason: "Lost her phone", may_decide: false }),
    request("q_3", { requester: "", requested_by: "", reason: "", role: "auditor", person: { id: "p_sam", kind: "staff", role: "auditor", name: "Sam Okafor", online: false }, was: "", state: "approved", decided_by: "Pat Rivera", decided_at: now - 2 * day, may_decide: false }),
    request("q_4", { state: "refused", decided_at: now - 9 * day, note: "Not before the training", may_decide: false }),
    request("q_5", { state: "expired", may_decide: false }),
  ],
};
const answers: NonNullable<Story["answers"]> = {
  "GET /v1/admin/departments": { ...departments },
  "GET /v1/admin/people": list,
  "GET /v1/admin/requests": { ...requests },
  // Signs in at the practice's provider alone.
  "GET /v1/admin/people/p_alex": { ...detail, person: person("p_alex", "Alex Morgan", "supervisor", "supervisor"), factors: [], recovery_codes: 0, identity: { provider: "Riverside account", linked: true, linked_at: now - 20 * day } },
  "GET /v1/admin/people/p_kim": { ...detail, person: people[3] ?? dana, identity: { provider: "Riverside account", linked: false } },
  "GET /v1/admin/people/p_robin": { ...detail, person: people[4] ?? dana },
  "GET /v1/admin/people/p_dana": { ...detail },
  "POST /v1/admin/people/p_dana/set-up-link": { token: "kqz7-2f9m-x4tw-8hjd-vr5c-n3pb-6ygs", expires_at: now + 3 * day },
};

export const stories: Record<string, Story> = {
  requests: { hash: "#/requests", answers },
  "requests-none": { hash: "#/requests", as: "auditor", answers: { ...answers, "GET /v1/admin/requests": { requests: [] } } },
  "request-answer": {
    hash: "#/requests",
    answers,
    async then(page) {
      for (let tries = 0; tries < 40 && !document.querySelector("tbody button"); tries++) await page.pause(50);
      document.querySelector<HTMLButtonElement>("tbody button")?.click();
    },
  },
  "requests-wait": { hash: "#/people", as: "compliance", answers: { ...answers, "GET /v1/staff/session": { ...sessionOf("compliance"), approvals: 2 } } },
  "person-privileged": { hash: "#/people/p_robin", answers },
  "person-provider-only": {
    hash: "#/people/p_alex",
    answers: { ...answers, "GET /v1/admin/requests": { requests: [] } },
    async then(page) {
      for (let tries = 0; tries < 40 && document.querySelectorAll("main .row button").length < 3; tries++) await page.pause(50);
      const offered = [...document.querySelectorAll("main .row button")].map((button) => button.textContent.trim());
      if (!offered.includes(t("admin.people.askLink")) || offered.includes(t("admin.people.invite"))) throw new Error(`offered: ${offered.join(", ")}`);
    },
  },
  "person-unlink": {
    hash: "#/people/p_alex",
    answers,
    then: () => document.querySelector<HTMLButtonElement>("main .row button.danger")?.click(),
  },
  "person-link-account": {
    hash: "#/people/p_kim",
    answers,
    then: () => [...document.querySelectorAll<HTMLButtonElement>("main .row button")].at(1)?.click(),
  },
  "person-ask-link": {
    hash: "#/people/p_robin",
    answers: { ...answers, "GET /v1/admin/requests": { requests: [] } },
    then: async (page) => {
      await page.press("#sign-in-title ~ .row button");
      if (!document.querySelector("dialog[open]")?.textContent.includes("Robin Diaz")) throw new Error("the dialog does not say for whom");
    },
  },
  "sign-in": { hash: "#/people", signedIn: false },
  people: { hash: "#/people", answers },
  "people-many": { hash: "#/people", answers: { ...answers, "GET /v1/admin/people": { roles, people: Array.from({ length: 120 }, (_, i) => person(`p_${i}`, `Test Person ${i}`, "nurse", "clinician")) } } },
  "people-filtered": { hash: "#/people?role=nurse&state=enabled", answers },
  "people-none": { hash: "#/people?q=zzz", answers },
  "people-auditor": { hash: "#/people", as: "auditor", answers },
  "people-loading": { hash: "#/people", answers: { ...answers, "GET /v1/admin/people": "never" } },
  "people-error": { hash: "#/people", answers: { ...answers, "GET /v1/admin/people": { refused: 503, code: "unavailable" } } },
  "people-new": { hash: "#/people/new", answers },
  "people-new-missing": {
    hash: "#/people/new",
    answers,
    then: (page) => document.querySelector<HTMLButtonElement>("form button[type=submit]")?.click() ?? page.pause(0),
  },
  // What is typed outlasts a lock, under which nothing can be read or reached.
  "people-locked": {
    hash: "#/people/new",
    answers,
    async then(page) {
      const field = document.querySelector<HTMLInputElement>("form input[type=text]");
      field?.focus();
      page.type("Dana Ortiz");
      await page.pause(50);
      await covered(page, () => field?.isConnected === true && field.value === "Dana Ortiz");
    },
  },
  "people-added": {
    hash: "#/people/new",
    answers: { ...answers, "POST /v1/admin/people": { person: dana, link: { token: "kqz7-2f9m-x4tw-8hjd-vr5c-n3pb-6ygs", expires_at: now + 3 * day } } },
    async then(page) {
      const [name, login] = [...document.querySelectorAll<HTMLInputElement>("form input[type=text]")];
      for (const field of [name, login]) {
        field?.focus();
        page.type("dana.ortiz");
      }
      const role = document.querySelector("select");
      if (role) {
        role.value = "nurse";
        role.dispatchEvent(new Event("change", { bubbles: true }));
      }
      await page.pause(50);
      document.querySelector<HTMLButtonElement>("form button[type=submit]")?.click();
    },
  },
  departments: { hash: "#/people/departments", answers },
  "departments-none": { hash: "#/people/departments", answers: { ...answers, "GET /v1/admin/departments": { departments: [] } } },
  "departments-auditor": { hash: "#/people/departments", as: "auditor", answers },
  "department-change": { hash: "#/people/departments", answers, then: () => document.querySelector<HTMLButtonElement>("tbody button")?.click() },
  "department-retire": {
    hash: "#/people/departments",
    answers,
    async then(page) {
      document.querySelectorAll<HTMLButtonElement>("tbody button")[1]?.click();
      await page.pause(100);
      document.querySelector<HTMLButtonElement>("dialog button.danger")?.click();
    },
  },
  person: { hash: "#/people/p_dana", answers },
  "person-compliance": { hash: "#/people/p_dana", as: "compliance", answers },
  "person-change": {
    hash: "#/people/p_dana",
    answers,
    async then(page) {
      document.querySelector<HTMLButtonElement>("section.card button")?.click();
      await page.pause(100);
      const role = document.querySelector<HTMLSelectElement>("dialog select");
      if (!role) return;
      role.value = "supervisor";
      role.dispatchEvent(new Event("change", { bubbles: true }));
    },
  },
  "person-disable": { hash: "#/people/p_dana", answers, then: () => document.querySelector<HTMLButtonElement>("section.danger button")?.click() },
  "person-link": { hash: "#/people/p_dana", answers, then: () => document.querySelectorAll<HTMLButtonElement>("section.card")[1]?.querySelector("button")?.click() },
  "no-permission": { hash: "#/people", as: "nurse", answers },
  keys: { hash: "#/people", answers, then: (page) => page.key("?") },
  menu: { hash: "#/people", answers, then: () => document.querySelector<HTMLButtonElement>("header button[aria-haspopup=dialog]")?.click() },
  "step-up": {
    hash: "#/people/p_dana",
    answers: { ...answers, "POST /v1/admin/people/p_dana/set-up-link": { refused: 403, code: "step-up-needed" } },
    then: () => document.querySelectorAll<HTMLButtonElement>("section.card")[1]?.querySelector("button")?.click(),
  },
};
