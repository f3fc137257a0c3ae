// The section "Audit log". The proofs are real: another implementation made
// them (src/auditlog/vector.json).

import type * as api from "../../src/api/schema.ts";
import vector from "../../src/auditlog/vector.json";
import cosigned from "../../../internal/auditlog/testdata/cosigned.json";
import { logged } from "../devices.ts";
import { now } from "./server.ts";
import { asked } from "../../src/admin/sections/audit/rows.svelte.ts";
import type { Story } from "./story.ts";

const kinds: api.AuditKind[] = [
  { kind: "sign-in.done", category: "security", object: "session", says: "signed in" },
  { kind: "conversation.opened", category: "access", says: "opened a conversation and got its messages" },
  { kind: "call.refused", category: "security", object: "object", says: "asked for something that policy does not allow" },
];

function event(number: number, change: Partial<api.AuditEvent> = {}): api.AuditEvent {
  const commitment = vector.entries[number % vector.entries.length]?.commitment ?? "";
  return {
    number, at: now - number * 60_000, kind: "conversation.opened", outcome: "done", role: "staff", person: "p_dana", device: "d_laptop", conversation: "c_8f2",
    patient: "p_ana", address: "192.0.2.7", request: "0a1b2c", commitment, ...change,
  };
}

const events = [event(12), event(11, { kind: "sign-in.done", object: "s_1", conversation: undefined, patient: undefined }), event(10, { kind: "call.refused", outcome: "refused", reason: "forbidden", rules: ["administrators-run-and-do-not-read"], person: "p_pat" })];
const page = { events, next: "1790000000000.9", names: { p_dana: "Dana Ortiz", p_pat: "Pat Rivera" }, matching: { count: 13, more: false } } satisfies api.AuditPage;
const head: api.AuditCheckpoint = { signed: vector.signed, verifier: vector.verifier, size: 13, root: "", witnesses: [] };
const proofs = Object.fromEntries(vector.entries.map(({ number, proof }) => [`GET /v1/audit/proof?number=${number}&size=13`, { size: 13, number, hashes: proof }]));
const answers: NonNullable<Story["answers"]> = {
  "GET /v1/audit/kinds": { kinds },
  "GET /v1/admin/audit/events?limit=50": page,
  "GET /v1/audit/checkpoint": { ...head },
  ...proofs,
};

const cosignedHead: api.AuditCheckpoint = { signed: cosigned.signed, verifier: cosigned.verifier, size: logged.length, root: "", witnesses: [] };
const cosignedProofs = {
  ...Object.fromEntries(cosigned.entries.map(({ number, proof }) => [`GET /v1/audit/proof?number=${number}&size=${logged.length}`, { size: logged.length, number, hashes: proof }])),
  [`GET /v1/audit/growth?earlier=5&later=${logged.length}`]: { size: logged.length, number: 5, hashes: cosigned.growth[4] ?? [] },
};

// Rows come a moment after the page does.
async function checkAll(page: Parameters<NonNullable<Story["then"]>>[0]): Promise<void> {
  for (let tries = 0; tries < 40 && !document.querySelector("main tbody button"); tries++) await page.pause(100);
  document.querySelector<HTMLButtonElement>("main header button")?.click();
  await page.pause(500);
}

async function exportAll(page: Parameters<NonNullable<Story["then"]>>[0]): Promise<void> {
  for (let tries = 0; tries < 40 && !document.querySelector(".export button"); tries++) await page.pause(100);
  document.querySelector<HTMLButtonElement>(".export button")?.click();
  await page.pause(300);
}

export const stories: Record<string, Story> = {
  audit: { hash: "#/audit", as: "compliance", answers },
  "audit-witnesses": {
    hash: "#/audit",
    as: "compliance",
    answers: {
      ...answers,
      "GET /v1/admin/audit/events?limit=50": { events: logged.toReversed() },
      "GET /v1/audit/checkpoint": {
        ...cosignedHead,
        witnesses: [
          ...cosigned.witnesses,
          { ...cosigned.witnesses[1], name: "west.example", verifier: "west.example+b407c998+BA==" },
          { name: "notary.example", verifier: "b", size: 0, at: 0, signed: "", problem: "away" },
          { name: "seal.example", verifier: "c", size: 40, at: 1_789_000_000_000, signed: "", problem: "contradicts" },
        ],
      },
      ...cosignedProofs,
    },
    then: checkAll,
  },
  "audit-checked": { hash: "#/audit", as: "auditor", answers, then: checkAll },
  "audit-wrong": {
    hash: "#/audit",
    as: "compliance",
    answers: { ...answers, "GET /v1/admin/audit/events?limit=50": { events: [event(12, { encoded: '{"v":1,"n":12}', salt: "AAAA" })] } },
    then: checkAll,
  },
  "audit-patient": { hash: "#/audit?patient=p_ana", as: "compliance", answers: { ...answers, "GET /v1/admin/audit/events?limit=50&patient=p_ana": page } },
  // Each filter of the API has its field: what was done with somebody's things is asked for by theirs.
  "audit-subject": {
    hash: "#/audit",
    as: "compliance",
    answers: { ...answers, "GET /v1/admin/audit/events?limit=50&subject=p_kim": { ...page, events: [event(9, { kind: "sign-in.done", subject: "p_kim" })], names: { ...page.names, p_kim: "Kim Tran" } } },
    then: async (page) => {
      await page.press("main tbody button");
      const fields = [...asked, "from", "until"].filter((name) => !document.querySelector(`main form [name=${name}], main search [id$="-${name}"]`));
      if (fields.length > 0) throw new Error(`no field for ${fields.join()}`);
      page.fill(/^(About whom|Sobre quién|عن مَن)/, "p_kim");
      await page.press(".ids button");
      for (let tries = 0; tries < 40 && document.querySelectorAll("main tbody tr").length !== 1; tries++) await page.pause(100);
      if (document.querySelectorAll("main tbody tr").length !== 1) throw new Error("what was done with their things is not what is shown");
    },
  },
  // A person chooses an act by its words, and the list asks for it.
  "audit-kind": {
    hash: "#/audit",
    as: "compliance",
    answers: { ...answers, "GET /v1/admin/audit/events?limit=50&kind=sign-in.done": { ...page, events: page.events.filter(({ kind }) => kind === "sign-in.done") } },
    then: async (page) => {
      await page.press("main tbody button");
      page.fill(/What was done|Qué se hizo|ما الذي حدث/, "sign-in.done");
      await page.press(".chips button");
      page.fill(/What was done|Qué se hizo|ما الذي حدث/, "sign-in.done");
      await page.pause(300);
      if (document.querySelectorAll("main tbody tr").length !== 1 || document.querySelectorAll("main optgroup").length !== 2) throw new Error("the act that was chosen is not what is shown");
    },
  },
  // A person keeps the filters in use by a name, and looks at another column.
  "audit-keep": {
    hash: "#/audit?outcome=refused",
    as: "compliance",
    answers: { ...answers, "GET /v1/admin/audit/events?limit=50&outcome=refused": { ...page, matching: { count: 10_000, more: true } } },
    then: async (page) => {
      await page.press(".keep summary");
      page.fill(/Name for the filters|Nombre para los filtros|اسم لعوامل/, "Refused");
      await page.press(".keep form button");
      await page.press(".keep details:last-child summary");
      await page.press(".keep fieldset label:nth-of-type(8) input");
      const [link] = document.querySelectorAll(".keep li a");
      if (link?.getAttribute("href") !== "#/audit?outcome=refused" || document.querySelectorAll("main thead th").length !== 7) throw new Error("the view or the column is not there");
      if (JSON.stringify({ ...localStorage }).includes("outcome=refused")) throw new Error("the view lies open in this browser");
      if (!/10[.,]?000|١٠٬٠٠٠/.test(document.querySelector(".head [role=status]")?.textContent ?? "")) throw new Error("it is not said how many there are");
    },
  },
  // V checks the row that has the focus, and no other.
  "audit-key": {
    hash: "#/audit",
    as: "compliance",
    answers,
    then: async (page) => {
      await page.press("main tbody button");
      for (const row of ["1", "2"]) {
        document.querySelector<HTMLElement>(`main tbody tr:nth-child(${row}) th a`)?.focus();
        page.key("ArrowDown");
      }
      page.key("v");
      await page.pause(500);
      if ([1, 2, 3].map((row) => document.querySelectorAll(`main tbody tr:nth-child(${row}) button`).length).join() !== "0,1,0") throw new Error("another row was checked");
    },
  },
  // X chooses the row that has the focus, Shift+X all; V checks what is chosen.
  "audit-chosen": {
    hash: "#/audit",
    as: "compliance",
    answers,
    then: async (page) => {
      const checked = (): string => [1, 2, 3].map((row) => document.querySelectorAll(`main tbody tr:nth-child(${row}) td:not(.pick) button`).length).join();
      const chosen = (): number => document.querySelectorAll("main tbody input:checked").length;
      await page.press("main tbody tr:nth-child(2) .pick input");
      page.key("ArrowDown");
      page.key("x");
      await page.pause(100);
      const numbers = document.querySelector<HTMLInputElement>(".choosing .copy input")?.value;
      if (chosen() !== 2 || numbers !== "11, 10") throw new Error(`${chosen()} chosen: ${numbers}`);
      page.key("v");
      await page.pause(500);
      if (checked() !== "1,0,0") throw new Error(`other rows than the chosen were checked: ${checked()}`);
      page.key("X", { shiftKey: true });
      await page.pause(100);
      if (chosen() !== 3) throw new Error("not all are chosen");
      page.key("x");
      await page.pause(100);
      if (!document.querySelector<HTMLInputElement>(".choosing > label input")?.indeterminate) throw new Error("the box for all does not say that some are chosen");
    },
  },
  "audit-none": { hash: "#/audit?outcome=failed", as: "compliance", answers: { ...answers, "GET /v1/admin/audit/events?limit=50&outcome=failed": { events: [] } } },
  "audit-error": { hash: "#/audit", as: "compliance", answers: { ...answers, "GET /v1/admin/audit/events?limit=50": { refused: 503, code: "unavailable" } } },
  "audit-exporting": { hash: "#/audit", as: "auditor", answers: { ...answers, "GET /v1/admin/audit/export?format=csv": "never" }, then: exportAll },
  "audit-export-limited": {
    hash: "#/audit",
    as: "auditor",
    answers: { ...answers, "GET /v1/admin/audit/export?format=csv": { refused: 429, code: "rate-limited" } },
    then: exportAll,
  },
  "audit-entry": { hash: "#/audit/10", as: "compliance", answers },
  "audit-entry-proof": {
    hash: "#/audit/10",
    as: "compliance",
    answers,
    then: async (page) => {
      await page.press("main .card button");
      await page.press("main .copy ~ div button"); // saves it
    },
  },
  "audit-entry-error": { hash: "#/audit/12", as: "compliance", answers: { ...answers, "GET /v1/admin/audit/events?limit=50": { refused: 503, code: "unavailable" } } },
};
