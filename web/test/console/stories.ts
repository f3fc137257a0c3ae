// The screens of the console, each as a script of what the core and the
// account say. Names and messages are made up.

import type { Account, Invitation, Practice, StaffSession } from "../../src/staff/account.ts";
import { Refused } from "../../src/staff/account.ts";
import { change } from "../../src/staff/preferences.svelte.ts";
import type { Conversation, Leaf, PersonId } from "../../src/core/shared/protocol.ts";
import { certificatesOf, devicesOf, ghostLeaf, leaves } from "../devices.ts";
import type { StoryPage } from "../page.ts";
import { deeds } from "./because.ts";
import { dialogs } from "./dialogs.ts";
import { holdBacks } from "./holdback.ts";
import { answeredBy } from "./server.ts";
import { archive, chat, dana, keeper, lee, LogWriter, patient, staff, type ConsoleFake, type Script } from "../consoleFake.ts";

const minute = 60_000;
const now = Date.now();

export const practice: Practice = {
  slug: "riverside",
  name: "Riverside Family Clinic",
  phone: "555-0100",
  time_zone: "America/Chicago",
  languages: ["en", "es", "ar"],
  demo: true,
  wait_minutes: 5,
  queues: [
    { id: "general", reason: { en: "A health question", es: "Una pregunta de salud", ar: "سؤال صحي" } },
    { id: "refill", reason: { en: "Prescription refill", es: "Renovar una receta", ar: "تجديد وصفة" } },
    { id: "results", reason: { en: "Test results", es: "Resultados de pruebas", ar: "نتائج الفحوصات" } },
    { id: "billing", reason: { en: "Billing or insurance", es: "Facturas o seguro", ar: "الفواتير أو التأمين" } },
  ],
  max_file_bytes: 20_000_000,
  recall_minutes: 60,
};

export const session: StaffSession = { practice: "riverside", person: { id: dana, role: "nurse", name: "Dana Ortiz" }, login: "dana", expires_at: now + 3_600_000, idle_at: 0, idle_seconds: 600, locked: false, password_expired: false, has_passkey: false, new_sign_ins: 0, new_devices: 0, stated_grants: [], emergencies: 0, alerts: 0, approvals: 0, reviews: 0, may: ["conversations.queues"] };
const invitation: Invitation = {
  practice: "riverside",
  person: session.person,
  login: "dana",
  password: { min_length: 8, classes: 0, expiry_days: 0 },
  app: { offer: "o", secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", address: "otpauth://totp/Riverside:dana?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Riverside" },
};
const ana = "p_of_c_ana" as PersonId;

/** A drawn picture: a page with a red patch. */
async function preview(): Promise<Uint8Array> {
  const canvas = document.createElement("canvas");
  canvas.width = 360;
  canvas.height = 270;
  const g = canvas.getContext("2d");
  if (!g) return new Uint8Array();
  const ground = g.createLinearGradient(0, 0, 360, 270);
  ground.addColorStop(0, "#e8c9ad");
  ground.addColorStop(1, "#c99a77");
  g.fillStyle = ground;
  g.fillRect(0, 0, 360, 270);
  g.fillStyle = "rgb(176 60 50 / 55%)";
  g.beginPath();
  g.ellipse(190, 135, 62, 44, 0.4, 0, 7);
  g.fill();
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/jpeg", 0.7));
  return new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0));
}

function waiting(): Conversation[] {
  return [
    chat("c_5hq2mz7wxk3dnl4r", { queue: "results", waitingFrom: now - 11 * minute, createdAt: now - 11 * minute, lastAt: now - 10 * minute, members: [keeper] }),
    chat("c_8vtn5jy2pqa6sb9e", { queue: "refill", language: "es", waitingFrom: now - 6 * minute, createdAt: now - 6 * minute, lastAt: now - 5 * minute, members: [patient("p_of_c_8vtn5jy2pqa6sb9e", ""), keeper] }),
    chat("c_3kfw9ux4gmh7co2t", { queue: "general", waitingFrom: now - 2 * minute - 12_000, createdAt: now - 3 * minute, lastAt: now - minute, members: [patient("p_of_c_3kfw9ux4gmh7co2t", "", { online: false }), keeper] }),
    chat("c_6yrb1ld8zvi0ep5n", { queue: "billing", language: "ar", waitingFrom: now - 24_000, createdAt: now - 24_000, lastAt: now - 24_000, members: [patient("p_of_c_6yrb1ld8zvi0ep5n", ""), keeper] }),
  ];
}

function mine(): Conversation[] {
  return [
    chat("c_ana", {
      state: "open",
      queue: "general",
      assignee: dana,
      joined: true,
      patient: ana,
      createdAt: now - 34 * minute,
      lastAt: now - minute,
      last: "Is it safe to keep taking the ibuprofen?",
      unread: 2,
      members: [
        patient(ana, "Ana Pereira", { since: now - 34 * minute }),
        staff(dana, { since: now - 30 * minute }),
        staff(lee, { since: now - 12 * minute, online: false, devices: 2 }),
        { ...keeper, since: now - 34 * minute },
      ],
    }),
    chat("c_bo", { state: "open", queue: "refill", assignee: dana, joined: true, lastAt: now - 9 * minute, createdAt: now - 40 * minute, last: "Thanks! I will pick it up tomorrow.", draft: "You are welcome, Bo. The pharm", members: [patient("p_of_c_bo", "Bo Lindqvist", { online: false }), staff(dana), keeper] }),
    chat("c_cy", { state: "open", queue: "results", language: "es", assignee: lee, joined: true, lastAt: now - 25 * minute, createdAt: now - 90 * minute, last: "¿Cuándo puedo llamar para los resultados?", unread: 1, typing: ["p_of_c_cy" as PersonId], members: [patient("p_of_c_cy", "Cyra Ramos de la Fuente y Villanueva"), staff(dana), staff(lee), keeper] }),
    chat("c_dev", { state: "open", queue: "general", assignee: dana, joined: true, lastAt: now - 3 * 60 * minute, createdAt: now - 5 * 60 * minute, last: "Ok", consent: "withdrawn", members: [patient("p_of_c_dev", "Dev Anand", { online: false }), staff(dana), keeper] }),
  ];
}

function team(): Conversation[] {
  return [
    chat("c_t1", { state: "open", queue: "general", assignee: lee, lastAt: now - 4 * minute, createdAt: now - 44 * minute, members: [patient("p_of_c_t1", ""), staff(lee, { since: now - 30 * minute }), keeper] }),
    chat("c_t2", { state: "open", queue: "billing", assignee: "p_nour" as PersonId, lastAt: now - 55 * minute, createdAt: now - 80 * minute, members: [staff("p_nour" as PersonId), keeper] }),
  ];
}

function closed(): Conversation[] {
  return [
    chat("c_z1", { state: "closed", queue: "results", assignee: dana, joined: true, reopens: true, lastAt: now - 26 * 60 * minute, createdAt: now - 30 * 60 * minute, last: "All good, thank you so much!", members: [patient("p_of_c_z1", "Zoe Martin", { online: false }), staff(dana), keeper] }),
    chat("c_z2", { state: "closed", queue: "refill", assignee: lee, lastAt: now - 50 * 60 * minute, createdAt: now - 51 * 60 * minute, members: [keeper] }),
  ];
}

async function anaLog() {
  const image = await preview();
  return new LogWriter("c_ana", now - 34 * minute)
    .notice({ kind: "joined", person: archive })
    .says(ana, "Hello, I twisted my knee on Sunday and it is still swollen.", { shared: true })
    .says(ana, "I have been taking ibuprofen twice a day.", { shared: true })
    .wait(3 * minute)
    .notice({ kind: "joined", person: dana })
    .notice({ kind: "history-shared", person: archive, count: 2 })
    .says(dana, "Hi Ana, this is Dana, one of the nurses. I am sorry to hear that. Can you put your weight on it?")
    .wait(minute)
    .says(ana, "Yes, but it hurts on the stairs. There is also a red patch, I took a photo:")
    .says(ana, { kind: "file", file: { name: "knee.jpg", mediaType: "image/jpeg", size: 1_843_200, preview: image, width: 360, height: 270 } })
    .wait(5 * minute)
    .notice({ kind: "joined", person: lee })
    .says(lee, "Thanks for the photo. No fever, and the swelling does not get worse?")
    .wait(2 * minute)
    .says(ana, "No fever. About the same as yesterday.")
    .says(dana, "That is good to hear. Please rest it, cool it for 15 minutes a few times a day, and keep it up when you sit.")
    .says(dana, { kind: "file", file: { name: "Knee care at home.pdf", mediaType: "application/pdf", size: 284_000 } }, { state: { kind: "delivered", position: 14 } })
    .wait(4 * minute)
    .says(ana, "Thank you, that helps a lot.")
    .says(ana, "Is it safe to keep taking the ibuprofen?");
}

function others(): Record<string, LogWriter["lines"]> {
  const bo = new LogWriter("c_bo", now - 40 * minute).says("p_of_c_bo" as PersonId, "Could I get a refill?").says(dana, "Sent to your pharmacy.").says("p_of_c_bo" as PersonId, "Thanks! I will pick it up tomorrow.");
  const z1 = new LogWriter("c_z1", now - 30 * 60 * minute)
    .says("p_of_c_z1" as PersonId, "Are my results in?")
    .says(dana, "They are, and all values are in the normal range.")
    .says("p_of_c_z1" as PersonId, "All good, thank you so much!")
    .notice({ kind: "closed", person: dana });
  const dev = new LogWriter("c_dev", now - 5 * 60 * minute).says("p_of_c_dev" as PersonId, "I would rather call.").says(dana, "Of course.").says("p_of_c_dev" as PersonId, "Ok");
  const cy = new LogWriter("c_cy", now - 90 * minute).says("p_of_c_cy" as PersonId, "¿Cuándo puedo llamar para los resultados?");
  return { c_bo: bo.lines, c_z1: z1.lines, c_dev: dev.lines, c_cy: cy.lines };
}

export interface Story {
  readonly hash?: string;
  readonly account?: Partial<Account>;
  /** This browser remembers a sign-in. */
  readonly signedIn?: boolean;
  script(): Script | Promise<Script>;
  /** What happens once the screen is there. */
  then?(core: ConsoleFake, page: StoryPage): void | Promise<void>;
}

/** What a story does to the page as a person would. */

const all = () => [...waiting(), ...mine(), ...team(), ...closed()];
const full = async (): Promise<Script> => ({ conversations: all(), lines: { c_ana: (await anaLog()).lines, ...others() } });
const link = (id: string, state: string, change: object = {}): object => ({
  id, state, queue: "general", language: "en", level: "contact", channel: "email", contact: "a•••@m•••.example", created_at: now - 3 * 3_600_000, expires_at: now + 69 * 3_600_000, ...change,
});
const invitations = [
  link("i_1", "sent"),
  link("i_2", "opened", { channel: "sms", contact: "•••42", opened_at: now - 20 * minute }),
  link("i_3", "failed", { channel: "sms", contact: "•••07" }),
  link("i_4", "used", { channel: "link", contact: undefined, level: "guest", opened_at: now - 2 * 86_400_000, used_at: now - 2 * 86_400_000 }),
  link("i_5", "expired", { created_at: now - 5 * 86_400_000, expires_at: now - 2 * 86_400_000 }),
];
/** A server that knows of invitations and nothing else. */
const invites = answeredBy((method) =>
  Promise.resolve(method === "GET" ? { invitations, channels: ["email", "sms"] } : { invitation: link("i_6", "sent", { contact: "•••42" }) }),
);
const aDay = 86_400_000;
/** What the server knows of the patient of a chat: a carer acts for them, they are two persons, they agreed to three forms. */
const knows: Record<string, object> = {
  patient: {
    approvers: [{ id: lee, kind: "staff", name: "Lee Okafor", role: "supervisor", online: true }],
    chats: [
      { id: "c_ana", state: "open", queue: "general", created_at: now - 34 * minute, last_at: now - minute, confidential: false, for: "carer", minor: true, relation: "r_1" },
      { id: "c_before", state: "closed", queue: "results", created_at: now - 40 * aDay, last_at: now - 39 * aDay, confidential: false },
    ],
    hidden: 1,
    invitations: [],
    links: [{ id: "l_1", linked_at: now - 9 * aDay, linked_by: lee, person: ana, other: "p_other", reason: "patient-said" }],
    majority: 18,
    may_grant: true,
    may_link: true,
    person: ana,
    persons: [ana],
    relations: [{ id: "r_1", active: true, holder: ana, subject: "p_mother", kind: "carer", minor: true, queues: [], starts_at: now - 20 * aDay, ends_at: now + 200 * aDay }],
  },
  consents: {
    consent: "given",
    consents: [
      { form: "chat", kind: "chat", version: 3, at: now - 34 * minute },
      { form: "email", kind: "email", version: 1, at: now - 20 * aDay },
      { form: "part2", kind: "part2", version: 2, at: now - 20 * aDay, until: now - aDay },
    ],
  },
  verification: { needed: "matched", proofs: [], verification: { level: "contact" } },
};
const patients = answeredBy((_, path) => Promise.resolve(knows[path.split("/").pop() ?? ""] ?? {}));
/** The details of a chat, whose devices are held against the log. */
function logged(holds: readonly Leaf[], until: string, certificates: Script["certificates"] = (person) => ({ answer: { events: certificatesOf(person) } })): Story {
  return {
    hash: "#/mine/c_ana",
    script: async () => {
      const script = await full();
      const members = [patient("p_me", "Ana"), staff(dana), staff("p_nurse" as PersonId), { ...keeper, person: "p_archive" as PersonId }];
      return { ...script, devices: devicesOf(), leaves: holds, certificates, conversations: (script.conversations ?? []).map((c) => (c.id === "c_ana" ? { ...c, members } : c)) };
    },
    async then(_, page) {
      await withDetails(page);
      for (let tries = 0; tries < 150 && (!document.querySelector(`.logged.${until}`) || document.querySelector(".logged.checking")); tries++) await page.pause(50);
    },
  };
}

/** Opens the pane of details where it is not there already. */
async function withDetails(page: StoryPage): Promise<void> {
  await page.pause(150);
  if (!document.querySelector("[data-pane=details]")) page.key("]");
  for (let tries = 0; tries < 40 && !document.querySelector("#patient-title ~ div button"); tries++) await page.pause(50);
}
const nobody: Partial<Account> = { session: () => Promise.resolve(undefined) };

/** A physician, to whom a chat that a colleague took is closed. */
const physician: Partial<Account> = {
  session: () => Promise.resolve({ ...session, person: { ...session.person, role: "physician" }, may: ["conversations.queues", "conversation.break-glass"] }),
};
const colleagues: Partial<Account> = {
  colleagues: () =>
    Promise.resolve({
      people: [
        { id: "p_nour", kind: "staff", role: "front-desk", name: "Nour Haddad", online: true },
        { id: "p_omar", kind: "staff", role: "pharmacist", name: "Omar Khalil", online: false },
      ],
      queues: ["refill", "results", "billing"],
    }),
};
/** Opens the menu of a chat and presses what matches. */
export async function fromMenu(page: StoryPage, what: RegExp): Promise<void> {
  await page.pause(150);
  document.querySelector<HTMLElement>("main header [aria-haspopup=menu]")?.click();
  await page.pause(100);
  page.click(what);
  for (let tries = 0; tries < 40 && !document.querySelector("dialog[open]"); tries++) await page.pause(50);
  await page.pause(150);
}
const newDevices = (count: number): Partial<Account> => ({ session: () => Promise.resolve({ ...session, new_devices: count }) });
/** One from a browser that nobody knows, which goes on, and a wrong code after the right password. */
const signedInElsewhere: Partial<Account> = {
  session: () => Promise.resolve({ ...session, new_sign_ins: 2 }),
  signIns: () =>
    Promise.resolve([
      { id: "n_2", at: now - 2 * minute, method: "app", outcome: "signed-in" as const, browser: "Safari on iPhone", address: "203.0.113.7", new: true, seen: false, session: "s_2" },
      { id: "n_3", at: now - 9 * minute, method: "app", outcome: "code-refused" as const, browser: "Firefox on Windows", address: "2001:db8:7:11::9a", new: true, seen: false },
      { id: "n_1", at: now - 60 * minute, method: "passkey", outcome: "signed-in" as const, browser: "Chrome on Windows", address: "10.1.2.3", new: false, seen: true, session: "s_1" },
    ]),
};
/** Goes to a moment at which a screen that nobody touches asks. */
async function untouched(page: StoryPage): Promise<void> {
  const clock = Date.now;
  Date.now = () => clock() + 8.1 * minute;
  for (let tries = 0; tries < 60 && !document.querySelector("dialog[open]"); tries++) await page.pause(50);
}
const toReview = (count: number): Partial<Account> => ({ session: () => Promise.resolve({ ...session, emergencies: count, may: ["conversations.queues", "conversation.bring", "emergency.review"] }) });

export const stories: Record<string, Story> = {
  bring: { hash: "#/mine/c_ana", account: colleagues, script: full, then: (_, page) => fromMenu(page, /add person|añadir persona|أضف شخص/i) },
  transfer: { hash: "#/mine/c_ana", account: colleagues, script: full, then: (_, page) => fromMenu(page, /transfer|حوّل/i) },
  "break-glass": {
    hash: "#/team/c_t1",
    account: physician,
    signedIn: true,
    script: full,
    async then(_, page) {
      await page.pause(200);
      page.click(/emergency access|acceso de emergencia|وصول طارئ/i);
      for (let tries = 0; tries < 40 && !document.querySelector("dialog[open]"); tries++) await page.pause(50);
      await page.pause(150);
    },
  },
  // The words outlast a lock, which takes them off the page.
  "break-glass-locked": {
    ...{ hash: "#/team/c_t1", account: physician, signedIn: true, script: full },
    async then(core, page) {
      const field = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>("dialog[open] input[maxlength]");
      await stories["break-glass"]?.then?.(core, page);
      field()?.focus();
      page.type("He fell and cannot get up");
      await page.pause(50);
      change({ locked: true });
      await page.pause(150);
      if (field()) throw new Error("the dialog is over the lock");
      change({ locked: false });
      await page.pause(150);
      await stories["break-glass"]?.then?.(core, page);
      if (!field()?.value.startsWith("He fell")) throw new Error("the words are gone");
    },
  },
  // The patient has to agree again, and an emergency does not wait for it.
  "break-glass-due": {
    hash: "#/team/c_t1",
    account: physician,
    signedIn: true,
    script: async () => {
      const script = await full();
      return { ...script, conversations: script.conversations?.map((c) => (c.id === "c_t1" ? { ...c, consent: "due" as const } : c)) };
    },
    async then(_, page) {
      await page.pause(200);
      page.click(/emergency access|acceso de emergencia|وصول طارئ/i);
    },
  },
  "device-told": { hash: "#/waiting", account: newDevices(1), signedIn: true, script: full },
  "sign-in-told": { hash: "#/waiting", account: signedInElsewhere, signedIn: true, script: full },
  "sign-in-not-me": { hash: "#/waiting", account: signedInElsewhere, signedIn: true, script: full, then: (_, page) => page.press(".strips .actions button:last-child") },
  idle: { hash: "#/mine/c_ana", script: full, then: (_, page) => untouched(page) },
  "grant-told": {
    hash: "#/waiting",
    account: {
      session: () => Promise.resolve({ ...session, stated_grants: [{ by: "Lee Okafor", relation: { id: "r_2", active: true, holder: ana, subject: "p_mother", kind: "guardian", minor: true, queues: [], starts_at: now - minute, granted_at: now - minute } }] }),
    },
    signedIn: true,
    script: full,
    async then(_, page) {
      const told = (): HTMLDetailsElement | null => document.querySelector<HTMLDetailsElement>(".strips details");
      for (let tries = 0; tries < 40 && !told(); tries++) await page.pause(50);
      told()?.setAttribute("open", "");
    },
  },
  "emergency-told": { hash: "#/waiting", account: toReview(2), signedIn: true, script: full },
  "emergency-line": {
    hash: "#/mine/c_ana",
    script: async () => {
      const script = await full();
      const log = new LogWriter("c_ana", now - 30 * minute).says(ana, "My chest feels tight since this morning.").notice({ kind: "emergency", person: lee }).notice({ kind: "joined", person: lee });
      return { ...script, lines: { ...script.lines, c_ana: log.lines }, conversations: script.conversations?.map((c) => (c.id === "c_ana" ? { ...c, members: c.members.map((m) => (m.person === lee ? { ...m, emergency: true } : m)) } : c)) };
    },
    async then(_, page) {
      await page.pause(150);
      if (!document.querySelector("[data-pane=details]")) page.key("]");
    },
  },
  // In by an emergency: to read, to write and to leave, and nothing else.
  "in-emergency": {
    hash: "#/mine/c_ana",
    script: async () => {
      const script = await full();
      return { ...script, conversations: script.conversations?.map((c) => (c.id === "c_ana" ? { ...c, assignee: lee, members: c.members.map((m) => (m.person === dana ? { ...m, emergency: true } : m)) } : c)) };
    },
    async then(_, page) {
      await page.pause(150);
      document.querySelector<HTMLElement>("main header [aria-haspopup=menu]")?.click();
      await page.pause(100);
      const offered = Array.from(document.querySelectorAll("[role=menuitem]"), (item) => item.textContent.trim());
      if (offered.length !== 1 || document.querySelector("main header [aria-keyshortcuts*='e']") !== null) console.error(`in an emergency one can ${offered.join(", ")}`);
    },
  },
  "sign-in": { account: nobody, script: () => ({}) },
  "sign-in-wrong": {
    account: { ...nobody, signIn: () => Promise.reject(new Refused("unauthenticated", "7F3K")) },
    script: () => ({}),
    async then(_, page) {
      for (let step = 0; step < 2; step++) {
        for (const input of document.querySelectorAll<HTMLInputElement>("form input")) {
          input.focus();
          page.type("riverside");
        }
        await page.pause(50);
        document.querySelector("form")?.requestSubmit();
        await page.pause(50);
      }
    },
  },
  "set-up": {
    hash: "#setup=token",
    account: { inspect: () => Promise.resolve(invitation) },
    script: () => ({}),
  },
  "set-up-password": {
    hash: "#setup=token",
    account: { inspect: () => Promise.resolve(invitation), strength: () => Promise.resolve({ bits: 51 }) },
    script: () => ({}),
    async then(_, page) {
      await page.pause(200);
      page.click(/password and an app/);
      await page.pause(50);
      document.querySelector<HTMLInputElement>("input[type=password]")?.focus();
      page.type("two grey cats at noon");
      await page.pause(400);
    },
  },
  "set-up-app": {
    hash: "#setup=token",
    account: { inspect: () => Promise.resolve(invitation), strength: () => Promise.resolve({ bits: 51 }) },
    script: () => ({}),
    async then(_, page) {
      await page.pause(200);
      page.click(/password and an app/);
      await page.pause(50);
      document.querySelector<HTMLInputElement>("input[type=password]")?.focus();
      page.type("two grey cats at noon");
      await page.pause(50);
      document.querySelector("form")?.requestSubmit();
      await page.pause(600);
    },
  },
  "set-up-codes": {
    hash: "#setup=token",
    account: {
      inspect: () => Promise.resolve(invitation),
      strength: () => Promise.resolve({ bits: 51 }),
      setUpApp: () => Promise.resolve({ session, codes: Array.from({ length: 10 }, (_, i) => `q7d${i}-m2xk-8rt4-vz9h`) }),
    },
    script: () => ({}),
    async then(_, page) {
      await page.pause(200);
      page.click(/password and an app/);
      await page.pause(50);
      document.querySelector<HTMLInputElement>("input[type=password]")?.focus();
      page.type("two grey cats at noon");
      await page.pause(50);
      document.querySelector("form")?.requestSubmit();
      await page.pause(300);
      document.querySelector<HTMLInputElement>("form input")?.focus();
      page.type("123456");
      await page.pause(50);
      document.querySelector("form")?.requestSubmit();
      await page.pause(200);
    },
  },
  "password-expired": { account: { session: () => Promise.resolve({ ...session, password_expired: true }) }, signedIn: true, script: () => ({}) },
  "locked-before": { account: { session: () => Promise.resolve({ ...session, locked: true, has_passkey: true }) }, signedIn: true, script: () => ({}) },
  "set-up-bad": { hash: "#setup=old", account: { inspect: () => Promise.reject(new Refused("not-found")) }, script: () => ({}) },
  preparing: { script: () => ({ known: false, connection: "connecting" }) },
  failed: { script: () => ({ fail: { start: "storage-blocked" } }) },
  waiting: { hash: "#/waiting", script: full },
  "waiting-open": { hash: "#/waiting/c_8vtn5jy2pqa6sb9e", script: full },
  taken: {
    hash: "#/waiting",
    script: full,
    then: (core) => core.change("c_3kfw9ux4gmh7co2t", { state: "open", assignee: lee, members: [staff(lee), keeper] }),
  },
  // A lead took over what this nurse was writing in.
  "taken-over": {
    hash: "#/mine/c_bo",
    script: full,
    then: (core) => core.change("c_bo", { assignee: lee, joined: false, members: [patient("p_of_c_bo", "Bo Lindqvist"), staff(lee, { verified: false }), keeper] }),
  },
  "empty-waiting": { hash: "#/waiting", script: () => ({ conversations: mine() }) },
  loading: { hash: "#/waiting", script: () => ({ hang: ["list"] }) },
  "list-failed": { hash: "#/waiting", script: () => ({ fail: { list: "internal" } }) },
  chat: {
    hash: "#/mine/c_ana",
    script: full,
    then: (core) => core.change("c_ana", { typing: [ana] }),
  },
  "chat-recall": {
    hash: "#/mine/c_ana",
    script: full,
    async then(_, page) {
      await page.pause(100);
      document.querySelector<HTMLElement>("textarea")?.focus();
      page.key("ArrowUp");
      await page.pause(100);
      document.querySelector<HTMLInputElement>("dialog[open] input[type=radio]")?.click();
    },
  },
  locked: {
    hash: "#/mine/c_ana",
    script: full,
    then: (_, page) => page.key("l", { ctrlKey: true, shiftKey: true }),
  },
  "waiting-left": {
    hash: "#/waiting",
    script: full,
    then: (core) => core.change("c_3kfw9ux4gmh7co2t", { leftMessage: true }),
  },
  "chat-closing": {
    hash: "#/mine/c_ana",
    script: full,
    then: (_, page) => page.key("e"),
  },
  "chat-trouble": {
    hash: "#/mine/c_bo",
    script: async () => ({ ...(await full()), connection: "offline", queued: 2 }),
    async then(core, page) {
      await page.pause(100);
      const log = new LogWriter("c_bo", now - 8 * minute);
      const trouble = log
        .wait(0)
        .notice({ kind: "gap" })
        .notice({ kind: "refused", rule: "stale-epoch" })
        .says("p_of_c_bo" as PersonId, { kind: "unreadable" })
        .says(dana, "Your pharmacy has it ready from nine.", { state: { kind: "failed", failure: "too-large" } }).lines;
      trouble.forEach((line, i) => {
        if (line.type === "message") core.emit({ kind: "line", line: { ...line, message: { ...line.message, id: `t${i}` as never, position: 20 + i } } });
        else core.emit({ kind: "line", line: { ...line, line: { ...line.line, id: `t${i}`, position: 20 + i } } });
      });
      core.emit({
        kind: "line",
        line: { type: "message", message: { id: "q1" as never, conversation: "c_bo" as never, from: dana, mine: true, at: now, body: { kind: "text", text: "See you tomorrow then." }, state: { kind: "queued" } } },
      });
      core.emit({
        kind: "line",
        line: {
          type: "message",
          message: { id: "q2" as never, conversation: "c_bo" as never, from: dana, mine: true, at: now + 1, progress: 0.42, body: { kind: "file", file: { name: "Directions.pdf", mediaType: "application/pdf", size: 2_400_000 } }, state: { kind: "sending" } },
        },
      });
    },
  },
  "chat-withdrawn": { hash: "#/mine/c_dev", script: full },
  "chat-closed": { hash: "#/closed/c_z1", script: full },
  // A colleague's, which only who took part, a supervisor or the patient opens again.
  "chat-closed-other": { hash: "#/closed/c_z2", script: full },
  joining: {
    hash: "#/mine/c_3kfw9ux4gmh7co2t",
    script: async () => {
      const script = await full();
      return { ...script, conversations: script.conversations?.map((c) => (c.id === "c_3kfw9ux4gmh7co2t" ? { ...c, state: "open", assignee: dana, joining: true, members: [staff(dana), keeper] } : c)) };
    },
  },
  details: {
    hash: "#/mine/c_ana",
    script: full,
    async then(_, page) {
      await page.pause(150);
      if (!document.querySelector("[data-pane=details]")) {
        if (innerWidth < 900) document.querySelector<HTMLElement>("main header button:nth-last-of-type(1)")?.blur();
        page.key("]");
      }
      await page.pause(300);
      page.click(/code|código|الرمز/i);
    },
  },
  "details-logged": logged(leaves, "proved"),
  "details-unlogged": logged([...leaves, ghostLeaf], "missing"),
  "details-unchecked": logged(leaves, "failed", () => ({ refused: "unavailable" })),
  "details-patient": {
    hash: "#/mine/c_ana",
    account: patients,
    script: full,
    async then(_, page) {
      await withDetails(page);
      document.querySelector("#patient-title")?.scrollIntoView();
    },
  },
  "details-portal": {
    hash: "#/mine/c_ana",
    account: {
      server: {
        call: (_: string, path: string) => {
          const what = path.split("/").pop() ?? "";
          return Promise.resolve(what === "verification" ? { ...knows.verification, portal_waits: now - 5 * minute, portal_linked: true } : (knows[what] ?? {}));
        },
      },
    } as unknown as Partial<Account>,
    script: full,
    async then(_, page) {
      await withDetails(page);
      for (let tries = 0; tries < 40 && !document.querySelector("form .field"); tries++) await page.pause(50);
      document.querySelector("#patient-title")?.scrollIntoView();
    },
  },
  "details-relate": {
    hash: "#/mine/c_ana",
    account: patients,
    script: full,
    async then(_, page) {
      await withDetails(page);
      const here = document.querySelector("#patient-title")?.parentElement;
      [...(here?.querySelectorAll<HTMLElement>("button") ?? [])].at(2)?.click();
      for (let tries = 0; tries < 40 && !document.querySelector("dialog[open] input, dialog[open] select"); tries++) await page.pause(50);
    },
  },
  "details-relate-minor": {
    hash: "#/mine/c_ana",
    account: patients,
    script: full,
    async then(_, page) {
      await withDetails(page);
      const here = document.querySelector("#patient-title")?.parentElement;
      [...(here?.querySelectorAll<HTMLElement>("button") ?? [])].at(2)?.click();
      for (const value of ["guardian", "minor"]) {
        const one = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>(`dialog[open] input[type=radio][value=${value}]`);
        for (let tries = 0; tries < 40 && !one(); tries++) await page.pause(50);
        one()?.click();
      }
      for (let tries = 0; tries < 40 && !document.querySelector("dialog[open] input:not([type=radio])"); tries++) await page.pause(50);
    },
  },
  ...deeds({ hash: "#/mine/c_ana", script: full }, knows, withDetails),
  ...dialogs(full),
  ...holdBacks({ hash: "#/mine/c_ana", account: patients, script: full }),
  invite: { hash: "#/waiting", account: invites, script: full, then: (_, page) => page.click(/invit|دعوة/i) },
  "invite-mail": {
    hash: "#/waiting",
    account: invites,
    script: full,
    async then(_, page) {
      page.click(/invit|دعوة/i);
      await page.pause(400);
      for (const value of ["general", "email"]) document.querySelector<HTMLInputElement>(`dialog input[type=radio][value=${value}]`)?.click();
      await page.pause(100);
      document.querySelector<HTMLButtonElement>("dialog button.primary, dialog [data-look=primary]")?.click();
      await page.pause(100);
    },
  },
  "invite-sent": {
    hash: "#/waiting",
    account: invites,
    script: full,
    async then(_, page) {
      page.click(/invit|دعوة/i);
      await page.pause(400);
      for (const value of ["general", "sms"]) document.querySelector<HTMLInputElement>(`dialog input[type=radio][value=${value}]`)?.click();
      await page.pause(100);
      page.fill(/mobile|móvil|هاتفه/i, "+1 555 555 0142");
      document.querySelector<HTMLInputElement>("dialog input[type=checkbox]")?.click();
      await page.pause(100);
      page.click(/send the link|enviar el enlace|إرسال الرابط/i);
      await page.pause(200);
    },
  },
  "handover-not": {
    hash: "#/mine/c_ana",
    account: { colleagues: () => Promise.resolve({ people: [{ id: "p_lee", kind: "staff", role: "physician", name: "Lee Park", online: true }], queues: ["billing"] }) },
    script: full,
    async then(_, page) {
      await page.press("main button[aria-haspopup=menu]");
      await page.press("main [role=menuitem]:nth-of-type(2)");
      await page.press("dialog[open] footer button");
      page.focused("main button[aria-haspopup=menu]");
    },
  },
  settings: { hash: "#/settings", script: full },
  keys: { hash: "#/mine/c_ana", script: full, then: (_, page) => page.key("?") },
  palette: {
    hash: "#/mine/c_ana",
    script: full,
    async then(_, page) {
      page.key("k", { ctrlKey: true });
      await page.pause(100);
      page.type("a");
    },
  },
  many: {
    hash: "#/team",
    script: () => ({
      conversations: Array.from({ length: 500 }, (_, i) =>
        chat(`c_many${i}`, { state: "open", queue: "general", assignee: lee, lastAt: now - i * minute, createdAt: now - i * minute, members: [patient(`p_of_c_many${i}`, ""), staff(lee), keeper] }),
      ),
    }),
  },
};

export function accountOf(story: Story): Account {
  const usual: Partial<Account> = {
    session: () => Promise.resolve(session),
    practice: () => Promise.resolve(practice),
    signOut: () => Promise.resolve(undefined),
    lock: () => Promise.resolve(),
    active: () => Promise.resolve(session),
    canUsePasskeys: true,
    sawSignIns: () => Promise.resolve(),
    factors: () =>
      Promise.resolve({
        factors: [
          { id: "password", kind: "password" as const, name: "", synced: false, created_at: now - 90 * 86_400_000 },
          { id: "f_app", kind: "app" as const, name: "", synced: false, created_at: now - 90 * 86_400_000, used_at: now - 3_600_000 },
          { id: "f_key", kind: "passkey" as const, name: "Chrome on Windows", synced: true, created_at: now - 20 * 86_400_000, used_at: now - 86_400_000 },
        ],
        recovery_codes: 9,
        password: { min_length: 8, classes: 0, expiry_days: 0 },
      }),
    sessions: () =>
      Promise.resolve([
        { id: "s_1", current: true, method: "passkey", browser: "Chrome Windows", address: "10.1.2.3", created_at: now - 3_600_000, used_at: now - 60_000, expires_at: now + 3_600_000, locked: false },
        { id: "s_2", current: false, method: "app", browser: "Safari iPhone", address: "203.0.113.7", created_at: now - 7_200_000, used_at: now - 5_000_000, expires_at: now + 3_600_000, locked: true },
      ]),
    devices: () => Promise.resolve([{ id: "d_1", name: "Chrome on Windows", current: true, created_at: now - 20 * 86_400_000, certified: true, needs_voucher: false }]),
    signIns: () =>
      Promise.resolve([
        { id: "n_1", at: now - 3_600_000, method: "passkey", outcome: "signed-in" as const, browser: "Chrome Windows", address: "10.1.2.3", new: false, seen: true },
        { id: "n_2", at: now - 7_200_000, method: "app", outcome: "code-refused" as const, browser: "Firefox Linux", address: "198.51.100.9", new: true, seen: false },
      ]),
  };
  return { ...usual, ...story.account } as Account;
}
