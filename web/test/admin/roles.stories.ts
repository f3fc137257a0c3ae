// The section "Roles". Its server says what docs/policy.md says, which a test
// of internal/policy keeps the same as what the engine decides.

import type * as api from "../../src/api/schema.ts";
import written from "../../../docs/policy.md?raw";
import type { Story } from "./story.ts";

const roles = ["patient", "agent", "clinician", "supervisor", "compliance", "administrator", "auditor", "service", "keeper", "directory"];
const areaOf: Record<string, api.PolicyRow["area"]> = {
  conversation: "chats", conversations: "chats", patient: "patients", person: "people", device: "people",
  practice: "practice", audit: "oversight", policy: "oversight", emergency: "oversight", consent: "forms",
};

/** The rows of the tables under a heading. */
function tableOf(heading: string): string[][] {
  const [, after = ""] = written.split(`## ${heading}\n`);
  const [part = ""] = after.split("\n## ");
  return part.split("\n").filter((line) => line.startsWith("| ")).slice(1).map((line) => line.slice(2, -2).split(" | "));
}

const rules = ["What is forbidden to all", "What is allowed"].flatMap((heading, n) =>
  tableOf(heading).map(([id = "", says = "", about = ""]): api.PolicyRule => {
    const actions = about === "everything" ? [] : about.split(", ");
    const effect = n === 0 ? "forbid" : "permit";
    return { id: id.slice(1, -1), says, forbids: n === 0, actions, text: `@says("${says}")\n${effect} (\n    principal,\n    action in [${actions.map((a) => `Action::"${a}"`).join(", ")}],\n    resource\n);` };
  }),
);

const rows = tableOf("Role by role").map(([action = "", who = ""]): api.PolicyRow => {
  const said = new Map(who.split("; ").map((each) => each.split(": ") as [string, string]));
  const behind = rules.filter((rule) => rule.actions.includes(action)).map((rule) => rule.id);
  const cells = roles.map((role): api.PolicyCell => {
    const [when = "", unless = ""] = (said.get(role) ?? "").split(", unless ");
    const list = <T extends string>(text: string) => text.split(" or ").filter(Boolean) as T[];
    return { role, when: list<api.PolicyCell["when"][number]>(when), unless: list<api.PolicyCell["unless"][number]>(unless), rules: behind };
  });
  return { action, area: areaOf[action.split(".")[0] ?? ""] ?? "chats", cells };
});

const table: api.PolicyTable = { roles, rows };
const answers: NonNullable<Story["answers"]> = { "GET /v1/admin/policy": { ...table }, "GET /v1/policy/rules": { rules } };

export const stories: Record<string, Story> = {
  roles: { hash: "#/roles", as: "compliance", answers },
  "roles-one": { hash: "#/roles?role=clinician&area=chats", as: "auditor", answers },
  "roles-compared": {
    hash: "#/roles?role=agent&compare=supervisor&area=chats",
    as: "compliance",
    answers,
    then: () => document.querySelector<HTMLElement>("main details summary")?.click(),
  },
  "roles-differences": { hash: "#/roles?role=administrator&compare=auditor&show=different", answers },
  "roles-none": { hash: "#/roles?q=zzz", answers },
  "roles-failed": { hash: "#/roles", answers: { ...answers, "GET /v1/admin/policy": { refused: 503, code: "unavailable" } } },
  "roles-waiting": { hash: "#/roles", answers: { ...answers, "GET /v1/admin/policy": "never" } },
  "roles-forbidden": { hash: "#/roles", as: "nurse", answers },
};
