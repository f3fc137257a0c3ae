// The sections "Controls" and "Inventory".

import type * as api from "../../src/api/schema.ts";
import { now } from "./server.ts";
import type { Story } from "./story.ts";

const day = 86_400_000;

function control(id: string, title: string, change: Partial<api.Control> = {}): api.Control {
  return {
    id, title, cite: `45 CFR 164.${id}`, family: "technical", kind: "required", asks: "Only people and programs that were given access get to health information.",
    held_by: "Every call asks the rules; what no rule allows is refused.", evidence: [], tests: ["internal/policy.TestMatrix", "internal/httpapi.TestT22StrangersSeeNothing", "e2e/evidence.test.mjs: T22 one person's access is confirmed, by somebody else"], threats: ["T22"],
    owner: "security official", review_months: 12, nist: "SP 800-66r2, 5.3.1 Access Control", ...change,
  };
}

const controls: api.Control[] = [
  control("312(a)(1)", "Access control"),
  control("312(a)(2)(iii)", "Automatic logoff", { kind: "addressable", proposed: "required" }),
  control("312(e)(1)", "Transmission security"),
  control("308(a)(5)(ii)(A)", "Security reminders and training", { family: "administrative", tests: [], threats: [], missing: "There is no training register." }),
  control("514(a)-(b)", "De-identification", { family: "privacy", tests: [], threats: [], review_months: 1 }),
];

/** What was found, with the words that it is made of, or without, as from an earlier version. */
function result(id: string, state: string, says: string, words: readonly api.ControlWords[] = [], fix = "", fixCode = ""): api.ControlResult {
  const finding: api.ControlFinding = {
    evidence: "tls", state, says, ...(words.length > 0 ? { words } : {}), ...(fix ? { fix } : {}), ...(fixCode ? { fix_words: { code: fixCode } } : {}),
  };
  return { id, state, says, findings: [finding] };
}

function run(at: number, met: number): api.ControlRun {
  return { id: `r_${at}`, practice: "t_oak", at, version: "v1.2.0", counts: { met, needs_decision: 1, falls_short: 4 - met, not_applicable: 1 }, results: [] };
}

const looked: api.ControlRun = {
  ...run(now - 3_600_000, 2),
  results: [
    result("312(a)(1)", "met", "9 people have one role each, by which the rules decide.", [{ code: "roles.each", args: ["9"] }]),
    result("312(a)(2)(iii)", "met", "Screens lock after 10 minutes for staff and 15 for patients."),
    result(
      "312(e)(1)", "needs-decision", "A proxy in front speaks TLS as https://chat.clinic.example; that cannot be seen from here.",
      [{ code: "tls.proxy", args: ["https://chat.clinic.example"] }], "Check the proxy's TLS with its own tools, and note it.", "fix.check-proxy",
    ),
    { id: "308(a)(5)(ii)(A)", state: "falls-short", says: "There is no training register.", findings: [] },
    result("514(a)-(b)", "not-applicable", "The product makes no de-identified data.", [{ code: "none.deidentified" }]),
  ],
};
const all: api.Controls = { controls, run: looked, history: [0, 1, 2, 3, 4, 5, 6].map((n) => run(now - n * day, n < 3 ? 2 : 1)) };
const answers: NonNullable<Story["answers"]> = { "GET /v1/admin/controls": { ...all }, "POST /v1/admin/controls/looks": { ...looked } };

const inventory: api.Inventory = {
  at: now, practice: "Riverside Family Clinic", version: "v1.2.0",
  assets: [
    { id: "audit-log", kind: "data", zone: "hub", name: "Audit log", holds: "who of our ids did what; no content, nobody's name but the accounts of who ran commands", guarded: "with the database; a Merkle log with signed heads", weight: "high", secret: false, bytes: 7_120_000_000 },
    { id: "patient-devices", kind: "device", zone: "patients", name: "Patients' browsers", holds: "their own chats", guarded: "keys that the browser keeps", weight: "medium", secret: false },
    { id: "staff-devices", kind: "device", zone: "staff", name: "Staff browsers", holds: "chats they take part in", guarded: "two factors", weight: "high", secret: false, count: 7 },
    { id: "hub", kind: "program", zone: "hub", name: "Hub v1.2.0", holds: "who talks with whom and when", guarded: "cannot decrypt", weight: "high", secret: false },
    { id: "database", kind: "data", zone: "hub", name: "Hub's database (PostgreSQL)", holds: "sealed messages, accounts", guarded: "its server's disk", weight: "high", secret: false },
    { id: "key:hub/factors.key", kind: "key", zone: "hub", name: "hub/factors.key", holds: "nothing; it opens what does", guarded: "file mode -rw-------", weight: "high", secret: true },
    { id: "keeper", kind: "program", zone: "keeper", name: "Record keeper", holds: "what is said", guarded: "outgoing connections alone", weight: "high", secret: false },
  ],
  flows: [
    { from: "patient-devices", to: "hub", carries: "sealed messages", guarded: "MLS end to end; TLS 1.2 or 1.3", open: false },
    { from: "staff-devices", to: "hub", carries: "sealed messages, sign-ins", guarded: "MLS end to end; TLS 1.2 or 1.3", open: false },
    { from: "hub", to: "database", carries: "sealed messages, accounts", guarded: "not verified", open: true },
    { from: "hub", to: "keeper", carries: "sealed messages", guarded: "MLS", open: false },
  ],
};

export const stories: Record<string, Story> = {
  controls: { hash: "#/controls", answers },
  "controls-filtered": { hash: "#/controls?state=falls-short&family=administrative", as: "compliance", answers },
  "controls-trend": { hash: "#/controls", answers, then: () => document.querySelector<HTMLElement>("main details summary")?.click() },
  "controls-never": { hash: "#/controls", answers: { "GET /v1/admin/controls": { controls, history: [] } } },
  "controls-error": { hash: "#/controls", answers: { "GET /v1/admin/controls": { refused: 503, code: "unavailable" } } },
  "controls-look-failed": {
    hash: "#/controls",
    answers: { ...answers, "POST /v1/admin/controls/looks": { refused: 503, code: "unavailable" } },
    then: () => document.querySelector<HTMLButtonElement>("main header button")?.click(),
  },
  // What is quoted in English is marked as that, and in other languages it is said.
  control: {
    hash: "#/controls/312(e)(1)",
    as: "auditor",
    answers,
    then: async (page) => {
      for (let tries = 0; tries < 40 && !document.querySelector("main dl"); tries++) await page.pause(100);
      const marked = [...document.querySelectorAll("main dd [lang=en]")].map((each) => each.textContent);
      for (const quoted of ["Every call asks the rules; what no rule allows is refused.", "SP 800-66r2, 5.3.1 Access Control", "45 CFR 164.312(e)(1)", "internal/policy.TestMatrix"])
        if (!marked.includes(quoted)) throw new Error(`${quoted} is not marked as English`);
      if ((document.querySelector("main .quoted") === null) !== (document.documentElement.lang === "en")) throw new Error("it is not said where English is quoted, or where nothing else is");
    },
  },
  "control-earlier": { hash: "#/controls/312(a)(2)(iii)", answers },
  "control-short": { hash: "#/controls/308(a)(5)(ii)(A)", answers },
  inventory: { hash: "#/inventory", answers: { "GET /v1/admin/inventory": { ...inventory } } },
};
