// The section "Patient reports".

import type * as api from "../../src/api/schema.ts";
import { now } from "./server.ts";
import type { Story } from "./story.ts";

const hour = 3_600_000;
const id = `p_${"a".repeat(26)}`;
const chat = "c_8f2";
const seen: api.Sightings = {
  patient: id,
  sightings: [
    { at: now - hour, since: now - 3 * hour, times: 4, way: "read", role: "nurse", name: "Dana Ortiz", person: "p_dana", conversation: chat },
    { at: now - 4 * hour, since: now - 4 * hour, times: 1, way: "emergency", role: "physician", name: "Lee Park", person: "p_lee", conversation: chat },
    { at: now - 5 * hour, since: now - 5 * hour, times: 1, way: "read", role: "keeper", person: "p_keeper", conversation: chat },
    { at: now - 6 * hour, since: now - 6 * hour, times: 2, way: "tried", role: "administrator", name: "Pat Rivera", person: "p_pat", conversation: chat },
    { at: now - 30 * hour, since: now - 30 * hour, times: 1, way: "record", role: "operator", conversation: chat },
    { at: now - 31 * hour, since: now - 31 * hour, times: 1, way: "read", role: "patient", own: true, person: id, conversation: chat },
  ],
  next: "1790000000000.9",
};
const recorder: api.Person = { id: "p_robin", kind: "staff", role: "compliance", name: "Robin Diaz", online: true };
const left: api.Disclosures = {
  patient: id, from: now - 6 * 365 * 24 * hour, until: now,
  disclosures: [
    { id: "x_1", at: now - 24 * hour, recorded_at: now, recorder, source: "hand", recipient: "County health department", address: "1 Main St, Springfield", what: "Immunization record", purpose: "public-health" },
    { at: now - 30 * hour, recorded_at: now - 30 * hour, source: "log", recipient: "operator", what: "opened the sealed record of a conversation", purpose: "", number: 12 },
    { id: "x_3", at: now - 40 * 24 * hour, recorded_at: now - 40 * 24 * hour, source: "record", recipient: "County court", what: "Transcript of the conversation c_1", purpose: "court" },
    { id: "x_2", at: now - 90 * 24 * hour, recorded_at: now, recorder, source: "hand", recipient: "County court", what: "Transcript", purpose: "court", struck_at: now, struck_why: "That was another patient." },
  ],
};
const base = `/v1/admin/patients/${id}`;
const answers: NonNullable<Story["answers"]> = { [`GET ${base}/sightings`]: { ...seen }, [`GET ${base}/disclosures`]: { ...left } };

function press(selector: string): NonNullable<Story["then"]> {
  return async (page) => {
    for (let tries = 0; tries < 40 && !document.querySelector(selector); tries++) await page.pause(100);
    document.querySelector<HTMLButtonElement>(selector)?.click();
    await page.pause(300);
  };
}

export const stories: Record<string, Story> = {
  reports: { hash: "#/access", as: "compliance" },
  // From here to what the log has of the patient, also by whose thing it was.
  "reports-one": {
    hash: `#/access/${id}`,
    as: "compliance",
    answers,
    then: async (page) => {
      for (let tries = 0; tries < 40 && !document.querySelector("main section li a"); tries++) await page.pause(100);
      const links = [...document.querySelectorAll("main section li a")].map((each) => each.getAttribute("href")).join(" ");
      if (links !== `#/audit?patient=${id} #/audit?subject=${id}`) throw new Error(`links lead to ${links}`);
    },
  },
  "reports-joined": {
    hash: `#/access/${id}`,
    as: "compliance",
    answers: { ...answers, [`GET ${base}/sightings`]: { ...seen, persons: [id, `p_${"b".repeat(26)}`], chats: ["c_9a1", "c_9a2"] } },
  },
  "reports-auditor": { hash: `#/access/${id}`, as: "auditor", answers },
  "reports-none": {
    hash: `#/access/${id}`,
    as: "compliance",
    answers: { [`GET ${base}/sightings`]: { patient: id, sightings: [] }, [`GET ${base}/disclosures`]: { ...left, disclosures: [] } },
  },
  "reports-error": { hash: `#/access/${id}`, as: "compliance", answers: { [`GET ${base}/sightings`]: { refused: 503, code: "unavailable" }, [`GET ${base}/disclosures`]: { ...left } } },
  "reports-write": { hash: `#/access/${id}`, as: "compliance", answers, then: press("main .head .row button") },
  "reports-strike": { hash: `#/access/${id}`, as: "compliance", answers, then: press("main section:last-of-type tbody td button") },
  "reports-kept": {
    hash: `#/access/${id}`,
    as: "compliance",
    answers,
    async then(page) {
      await page.press("main section:last-of-type tbody td button");
      await page.press("dialog[open] header button");
      page.focused("main section:last-of-type tbody td button");
    },
  },
};
