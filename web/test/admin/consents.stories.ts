// The section "Consent forms". Names are made up.

import type * as api from "../../src/api/schema.ts";
import { now } from "./server.ts";
import type { Story } from "./story.ts";

const day = 86_400_000;

const parts: api.FormParts = {
  title: "Before we start",
  points: ["Your care team reads this chat.", "It is not for emergencies. In an emergency, call 911."],
  purpose: "You choose if you want to chat. You can also call us.",
  collected: "The words and files you send, and the time of each message.",
  kept: "As long as the law tells us to keep your health record.",
  risks: "A person near you can read your screen. Notwithstanding reasonable precautions, unauthorized individuals may potentially access information.",
  withdraw: "Press the three dots and choose \"Take back my consent\".",
  contact: "Call us at +1 555 0100.",
};
const full = (given: api.FormParts): string =>
  [given.purpose, `What is kept: ${given.collected}`, "Who can read: you, the staff who join your chat, and the archive.", `Risks: ${given.risks}`, given.withdraw, given.contact].join("\n\n");

function written(language: string, given: api.FormParts): api.FormLanguage {
  const hard = given.risks.includes("Notwithstanding");
  return {
    language,
    missing: [],
    text: { title: given.title, points: given.points, full: full(given), sha256: "" },
    reading: { measured: language !== "ar", grade: hard ? 7.4 : 4.1, score: 0, above: hard && language !== "ar", vouched: hard || language === "ar", hard: hard ? ["Notwithstanding reasonable precautions, unauthorized individuals may potentially access information."] : [] },
  };
}
const empty = (language: string): api.FormLanguage => ({ language, missing: ["title", "points", "purpose"], reading: { measured: false, grade: 0, score: 0, above: false, vouched: true, hard: [] } });

const plain: api.FormParts = { ...parts, points: parts.points.slice(0, 1), risks: "A person near you can read your screen." };
const first: api.FormVersion = {
  form: "chat", kind: "chat", version: 1, state: "published", queues: [], in_addition: false, months: 0, published_at: now - 40 * day, revision: 0,
  readers: ["staff", "archive"], widened: ["assistant"], agreed: 1204, withdrawn: 7, declined: 19, may: ["queues", "retire"],
  history: [{ at: now - 40 * day, act: "apply" }], languages: ["en", "es", "ar"].map((each) => written(each, plain)),
};
const draft: api.FormVersion = {
  ...first, version: 2, state: "draft", revision: 3, published_at: 0, widened: [], agreed: 0, withdrawn: 0, declined: 0, may: ["save", "submit"],
  parts: { en: parts, es: parts }, languages: [written("en", parts), written("es", parts), empty("ar")],
  history: [{ at: now - day, person: "p_robin", name: "Robin Diaz", act: "save" }],
};
const submitted: api.FormVersion = {
  ...draft, state: "submitted", may: ["return", "approve"],
  history: [...draft.history, { at: now - 3_600_000, person: "p_robin", name: "Robin Diaz", act: "submit", reason: "A lawyer asked for this sentence" }],
};
const assistant: api.FormVersion = { ...first, form: "assistant", kind: "assistant", in_addition: true, queues: ["q_rx"], widened: [], months: 12, agreed: 31, withdrawn: 0, declined: 2 };

const narrowed: api.FormVersion = {
  ...first, form: "recovery", kind: "part2", in_addition: true, queues: ["q_general", "q_rx"], widened: [], revision: 6, may: ["return", "approve"],
  waits: { act: "queues", queues: ["q_rx"], in_addition: true, at: now - 3_600_000, person: "p_robin", name: "Robin Diaz" },
  history: [...first.history, { at: now - 3_600_000, person: "p_robin", name: "Robin Diaz", act: "ask-queues", reason: "q_rx" }],
};
const ended: api.FormVersion = { ...narrowed, may: ["queues", "retire", "return"], waits: { act: "retire", queues: [], in_addition: true, at: now - 3_600_000, person: "p_robin", name: "Robin Diaz", reason: "Nobody is treated for it here." } };

const list = (...forms: api.FormVersion[]): api.ConsentForms => ({
  forms, readers: ["staff", "archive", "assistant"], languages: ["en", "es", "ar"], may_edit: true, again: { open: 3, closed: 12 },
  queues: [
    { id: "q_general", reason: { en: "A health question", es: "Una pregunta de salud", ar: "سؤال عن الصحة" }, readers: [] },
    { id: "q_rx", reason: { en: "Medicine refill", es: "Renovar una medicina", ar: "تجديد دواء" }, readers: [] },
  ] as unknown as api.ConsentForms["queues"],
});
const receipts = {
  receipts: ["p_3f9c", "p_77ab"].map((person, index) => ({
    id: `r_${index}`, person, form: "chat", kind: "chat", version: 1, language: index ? "es" : "en", method: "checkbox", sha256: "", signature: "", device: "d_1",
    conversation: "", at: now - 9 * day, received_at: now - 9 * day, sequence: index + 1, current: index === 0, ...(index ? { withdrawn_at: now - day } : {}),
  })),
};
const again = { open: 41, closed: 310 };
function answers(...forms: api.FormVersion[]): NonNullable<Story["answers"]> {
  return {
    "GET /v1/admin/consents": { ...list(...forms) },
    "GET /v1/admin/consents/chat/2/again": again,
    "GET /v1/admin/consents/chat/1/again": again,
    "GET /v1/admin/consents/recovery/1/again": again,
    "GET /v1/admin/consent-receipts?form=chat&version=1": receipts,
    "POST /v1/admin/consents/chat/preview": { ...draft },
  };
}

export const stories: Record<string, Story> = {
  consents: { hash: "#/consents", as: "compliance", answers: answers(draft, first, assistant) },
  "consents-none": { hash: "#/consents", answers: answers() },
  "consents-auditor": { hash: "#/consents", as: "auditor", answers: answers(first, assistant) },
  "consents-loading": { hash: "#/consents", answers: { "GET /v1/admin/consents": "never" } },
  "consents-error": { hash: "#/consents", answers: { "GET /v1/admin/consents": { refused: 503, code: "unavailable" } } },
  "consents-new": { hash: "#/consents/new", answers: answers(first) },
  "consents-edit": { hash: "#/consents/chat/edit", as: "compliance", answers: answers(draft, first), then: (page) => page.pause(700) },
  "consents-edit-conflict": {
    hash: "#/consents/chat/edit",
    answers: { ...answers(draft, first), "PUT /v1/admin/consents/chat/draft": { refused: 409, code: "conflict" } },
    then: () => document.querySelector<HTMLButtonElement>("main header button")?.click(),
  },
  "consents-draft": { hash: "#/consents/chat/2", as: "compliance", answers: answers(draft, first) },
  "consents-approve": {
    hash: "#/consents/chat/2",
    answers: answers(submitted, first),
    then: () => [...document.querySelectorAll<HTMLButtonElement>("main button[aria-haspopup=dialog]")].at(-1)?.click(),
  },
  "consents-own": {
    hash: "#/consents/chat/2",
    answers: { ...answers(submitted, first), "POST /v1/admin/consents/chat/2/approve": { refused: 403, code: "forbidden" } },
    async then(page) {
      [...document.querySelectorAll<HTMLButtonElement>("main button[aria-haspopup=dialog]")].at(-1)?.click();
      await page.pause(100);
      const reason = document.querySelector<HTMLInputElement>("dialog[open] input");
      if (reason) reason.value = "Two patients read it.";
      reason?.dispatchEvent(new Event("input", { bubbles: true }));
      await page.pause(100);
      document.querySelector<HTMLButtonElement>("dialog[open] footer button.primary, dialog[open] button.primary")?.click();
    },
  },
  "consents-narrowed": {
    hash: "#/consents/recovery/1",
    answers: answers(first, narrowed),
    then: () => [...document.querySelectorAll<HTMLButtonElement>("main button[aria-haspopup=dialog]")].at(-1)?.click(),
  },
  "consents-end-asked": { hash: "#/consents/recovery/1", as: "compliance", answers: answers(first, ended) },
  "consents-published": {
    hash: "#/consents/chat/1",
    as: "compliance",
    answers: answers(first),
    then: () => [...document.querySelectorAll<HTMLButtonElement>("main section button")].at(-1)?.click(),
  },
};
