// What the shell says of the person's own sign-ins, and of a screen that nobody touches.

import { now, session } from "./server.ts";
import type { Story } from "./story.ts";

const minute = 60_000;
const elsewhere: Omit<Story, "then"> = {
  hash: "#/devices",
  answers: {
    "GET /v1/staff/session": { ...session("administrator"), new_sign_ins: 1 },
    "GET /v1/staff/devices": { devices: [] },
    "GET /v1/staff/devices/log?limit=200": { events: [] },
    "GET /v1/staff/sign-ins": {
      sign_ins: [{ id: "n_2", at: now - 2 * minute, method: "app", outcome: "signed-in", browser: "Safari on iPhone", address: "203.0.113.7", new: true, seen: false, session: "s_2" }],
    },
    "GET /v1/staff/sessions": {
      sessions: [{ id: "s_2", current: false, method: "app", browser: "Safari on iPhone", address: "203.0.113.7", created_at: now - 2 * minute, used_at: now - minute, expires_at: now + 60 * minute, locked: false }],
    },
    "DELETE /v1/staff/sessions/s_2": {},
  },
};

export const stories: Record<string, Story> = {
  "sign-in-told": elsewhere,
  "sign-in-not-me": { ...elsewhere, then: (page) => page.press("main > .banner .actions button:last-child") },
  idle: {
    ...elsewhere,
    answers: { ...elsewhere.answers, "GET /v1/staff/session": { ...session("administrator") } },
    then: async (page) => {
      const clock = Date.now;
      Date.now = () => clock() + 8.1 * minute;
      for (let tries = 0; tries < 60 && !document.querySelector("dialog[open]"); tries++) await page.pause(50);
    },
  },
};
