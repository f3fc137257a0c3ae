// Every screen and state of the patient chat.

import type { Agreement, Agreements, Message, SendState, Sighting } from "../../src/core/shared/protocol.ts";
import type { Memo } from "../../src/patient/model/memo.ts";
import type { Practice } from "../../src/patient/model/practice.ts";
import type { Session } from "../../src/patient/model/session.ts";
import type { View } from "../../src/patient/view.svelte.ts";
import type { Language, WordKey, WordValues } from "../../src/ui/words.svelte.ts";
import { certificatesOf, changed, devicesOf, everyDevice, ghostLeaf, leaves, logged, witnesses, type Answers } from "../devices.ts";
import { archive, conversation, me, member, message, noon, notice, nurse, nurseDana, theArchive, type FakeCore, type Script } from "../fakeCore.ts";

export interface Scene {
  session: Session;
  core: FakeCore;
  language: Language;
  view: View;
  /** Presses the button of that name. */
  press(key: WordKey, values?: WordValues): Promise<void>;
  find(selector: string): Promise<HTMLElement>;
  pause(ms: number): Promise<void>;
}

export interface Story {
  memo?: Partial<Memo>;
  script?: (language: Language) => Script;
  practice?: (usual: Practice) => Practice;
  supported?: boolean;
  storage?: boolean;
  embedded?: boolean;
  /** How much later than the story the page's clock is. */
  later?: number;
  play?: (scene: Scene) => Promise<void>;
}

const said: Record<Language, { hello: string; knee: string; since: string; monday: string; swollen: string; thanks: string; rest: string }> = {
  en: {
    hello: "Hello, my knee hurts when I walk down stairs.",
    knee: "It is worse in the morning.",
    since: "Hi Ana, I am sorry to hear that. Since when does it hurt?",
    monday: "Since Monday. I fell off my bike 🚲",
    swollen: "Thank you. Is it swollen or warm? A photo would help me a lot, if you are fine with that.",
    thanks: "Here it is.",
    rest: "Thank you, I see it. Please rest it today and put ice on it for 15 minutes, three times a day.",
  },
  es: {
    hello: "Hola, me duele la rodilla al bajar escaleras.",
    knee: "Por la mañana es peor.",
    since: "Hola Ana, lo siento. ¿Desde cuándo le duele?",
    monday: "Desde el lunes. Me caí de la bicicleta 🚲",
    swollen: "Gracias. ¿Está hinchada o caliente? Una foto me ayudaría mucho, si está de acuerdo.",
    thanks: "Aquí está.",
    rest: "Gracias, ya la veo. Descanse hoy y ponga hielo 15 minutos, tres veces al día.",
  },
  ar: {
    hello: "مرحبًا، ركبتي تؤلمني عند نزول الدرج.",
    knee: "يزداد الألم في الصباح.",
    since: "أهلًا آنا، يؤسفني ذلك. منذ متى تؤلمك؟",
    monday: "منذ يوم الاثنين. سقطت عن الدراجة 🚲",
    swollen: "شكرًا. هل هي متورمة أو دافئة؟ ستساعدني صورة كثيرًا إن كنت موافقة.",
    thanks: "ها هي.",
    rest: "شكرًا، رأيتها. أريحيها اليوم وضعي عليها الثلج 15 دقيقة، ثلاث مرات في اليوم.",
  },
};

/** A small picture, made by the page itself. */
export function picture(): Uint8Array {
  const canvas = document.createElement("canvas");
  canvas.width = 320;
  canvas.height = 240;
  const context = canvas.getContext("2d");
  if (context) {
    const sky = context.createLinearGradient(0, 0, 320, 240);
    sky.addColorStop(0, "#d9a58a");
    sky.addColorStop(1, "#8a5a4a");
    context.fillStyle = sky;
    context.fillRect(0, 0, 320, 240);
    context.fillStyle = "#c98f76";
    context.beginPath();
    context.ellipse(160, 120, 90, 70, 0.3, 0, 7);
    context.fill();
  }
  const data = canvas.toDataURL("image/jpeg", 0.7).split(",")[1] ?? "";
  return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
}

const opened = () => conversation({ state: "open", place: undefined, assignee: nurse, members: [member({ name: "Ana" }), theArchive, nurseDana] });
const photo = (): Message["body"] => ({ kind: "file", file: { name: "knee.jpg", mediaType: "image/jpeg", size: 812_000, preview: picture(), width: 320, height: 240 } });
const paper: Message["body"] = { kind: "file", file: { name: "exercises-for-knees.pdf", mediaType: "application/pdf", size: 1_430_000 } };

function talk(language: Language) {
  const words = said[language];
  return [
    notice(1, { kind: "joined", person: archive }),
    message(2, words.hello),
    message(3, words.knee),
    notice(4, { kind: "joined", person: nurse }),
    message(5, words.since, { mine: false }),
    message(6, words.monday),
    message(7, words.swollen, { mine: false }),
  ];
}

const kept = { memo: { hasChat: true, inChat: true, askedNotes: true } };
const full = (language: Language): Script => {
  const words = said[language];
  return {
    conversations: [opened()],
    lines: [...talk(language), message(8, photo()), message(9, words.thanks), message(10, words.rest, { mine: false }), message(11, paper, { mine: false })],
  };
};

/** What the hub says of who the patient is. */
const ownLevel = (level: string, change: object = {}): { answer: unknown } => ({
  answer: {
    verification: { level, until: level === "guest" ? 0 : noon + 29 * 86_400_000 },
    steps: { channels: ["email", "sms"], facts: ["phone", "postcode"], pin: true, days: 30 },
    person: me,
    passkeys: [],
    ...change,
  },
});
const withPortal = { steps: { channels: ["email", "sms"], facts: ["phone"], pin: true, days: 30, portal: "MyRiverside" } };
const onePasskey = { passkeys: [{ id: "f_1", name: "Chrome on Android", created_at: noon }] };

/** Opens the sheet where the patient tells who they are, as the hub answers each step. */
function identity(answers: Record<string, { answer: unknown } | { refused: string }>, then?: (scene: Scene) => Promise<void>): Story {
  return {
    ...kept,
    script: full,
    play: async (scene) => {
      scene.core.identified = (step) => answers[step] ?? { refused: "not-found" };
      await sheet(scene, "patient.more");
      await scene.press("patient.id.known");
      await scene.find("dialog[open] form, dialog[open] .content .acts");
      await then?.(scene);
    },
  };
}

async function fill(scene: Scene, selector: string, value: string): Promise<void> {
  const field = (await scene.find(selector)) as HTMLInputElement;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await scene.pause(20);
}

async function codeSent(scene: Scene): Promise<void> {
  await fill(scene, "dialog[open] input[type=email]", "ana@mail.example");
  await scene.press("patient.identity.send");
  await scene.find("dialog[open] input[autocomplete=one-time-code]");
}

const sentCode = { answer: { attempt: "a_1", contact: "a•••@m•••.example", resend_at: noon + 640_000 } };

/** Shut for the night: opens on Monday at eight. */
const closedUntilMonday = (usual: Practice): Practice => ({
  ...usual,
  open: false,
  opens_at: Date.UTC(2026, 2, 9, 13),
  queues: usual.queues.map((queue) => ({ ...queue, open: false, opens_at: Date.UTC(2026, 2, 9, 13) })),
});

async function leaving(scene: Scene): Promise<void> {
  await scene.press("patient.leave-message");
  for (const box of [await scene.find(".boxes input"), await scene.find(".boxes > :last-child input")]) box.click();
  await scene.press("patient.consent.agree");
  await scene.find("form#about-you");
  (await scene.find("input[value=q_general]")).click();
  (await scene.find("input[value=yes]")).click();
  await scene.press("patient.about.go");
  await scene.find("textarea");
}

/** Presses what opens a sheet, which is fetched then. */
async function sheet(scene: Scene, key: WordKey): Promise<void> {
  await scene.press(key);
  await scene.find("dialog[open] .content > :not(.skeleton)");
}

const saw = (change: Partial<Sighting>): Sighting => ({ at: noon, since: change.at ?? noon, times: 1, way: "read", role: "nurse", name: "Dana Ortiz", own: false, ...change });
const hour = 3_600_000;
const firstSeen: readonly Sighting[] = [
  saw({ times: 3, since: noon - hour }),
  saw({ way: "joined", at: noon - hour }),
  saw({ way: "file", own: true, role: "patient", name: "", at: noon - 2 * hour }),
  saw({ way: "emergency", role: "physician", name: "Omar Haddad", at: noon - 22 * hour }),
  saw({ way: "tried", role: "front-desk", name: "Mei Lin", at: noon - 23 * hour }),
];
const earlierSeen: readonly Sighting[] = [
  saw({ way: "record", role: "operator", name: "", at: noon - 90 * 24 * hour }),
  saw({ way: "joined", role: "keeper", name: "", at: noon - 90 * 24 * hour }),
  saw({ way: "state", role: "service", name: "", at: noon - 90 * 24 * hour }),
  saw({ way: "log", role: "compliance", name: "Robin Diaz", at: noon - 91 * 24 * hour }),
  saw({ way: "patient", role: "", name: "", at: noon - 91 * 24 * hour }),
];

/** Opens the sheet of who saw the messages, as the hub tells it page by page. */
function seen(pages: readonly (readonly Sighting[])[], script: Partial<Script> = {}, then?: (scene: Scene) => Promise<void>): Story {
  return {
    ...kept,
    script: (language) => ({ ...full(language), sightings: pages, ...script }),
    play: async (scene) => {
      await sheet(scene, "patient.more");
      await scene.press("patient.seen");
      if (!script.fail && !script.hang) await scene.find("dialog[open] .content section");
      await then?.(scene);
    },
  };
}

/** Opens the sheet of what writes as the patient. */
function wrote(devices: Answers, script: Partial<Script> = {}, then?: (scene: Scene) => Promise<void>): Story {
  return {
    ...kept,
    script: (language) => ({ ...full(language), devices, ...script }),
    play: async (scene) => {
      await sheet(scene, "patient.more");
      await scene.press("patient.wrote");
      await then?.(scene);
    },
  };
}
/** Opens the sheet of who can read the chat, until one was found as it is. */
function who(script: Partial<Script>, until: string): Story {
  return {
    ...kept,
    script: (language) => ({ ...full(language), devices: devicesOf(), ...script }),
    play: async (scene) => {
      await sheet(scene, "patient.who");
      await scene.find(`dialog[open] .logged.${until}`);
      while (document.querySelector("dialog[open] .logged.checking")) await scene.pause(30);
    },
  };
}
const certificates = (person: string): { answer: unknown } => ({ answer: { events: certificatesOf(person) } });

/** Until every proof was looked at. */
const allProved = async (scene: Scene): Promise<void> => {
  await scene.find("dialog[open] .devices .proof:not(.checking)");
  while (document.querySelector("dialog[open] .proof.checking")) await scene.pause(30);
};

const agreed = (change: Partial<Agreement>): Agreement => ({
  ...{ id: "r_1", form: "general", kind: "chat", version: 3, language: "en", sha256: new Uint8Array(32), method: "checkbox", at: noon, deviceAt: noon, sequence: 1 },
  ...{ signature: new Uint8Array(64), device: "d_1", person: me, conversation: "c_1", withdrawnAt: 0, current: true },
  ...change,
});
const given: Agreements = {
  agreements: [agreed({}), agreed({ id: "r_2", form: "mail", kind: "email", version: 1, conversation: "", at: noon - 9 * 24 * hour, withdrawnAt: noon - 24 * hour, current: false })],
  offered: [{ form: "helper", kind: "assistant", version: 1 }],
};

/** Opens the sheet of what the patient agreed to, and then one of its rows. */
function agreements(answer: Partial<Agreements>, row = 0, script: Partial<Script> = {}, then?: (scene: Scene) => Promise<void>): Story {
  return {
    ...kept,
    script: (language) => ({ ...full(language), agreements: { agreements: [], offered: [], ...answer }, ...script }),
    play: async (scene) => {
      await sheet(scene, "patient.more");
      await scene.press("patient.agreements");
      await scene.find("dialog[open] .body > *");
      if (row === 0) return;
      (await scene.find(`dialog[open] li:nth-child(${row}) button`)).click();
      await scene.find("dialog[open] .body > :last-child button");
      await then?.(scene);
    },
  };
}

/** Two presses, from the chat and from each menu that has it. */
async function withdrawn(scene: Scene): Promise<void> {
  for (const from of ["patient.who", "patient.more"] as const) {
    await sheet(scene, from);
    await scene.press("patient.withdraw.yes");
    await scene.press("patient.withdraw.no");
  }
  await sheet(scene, "patient.consent.mine");
}

/** The form has changed since the patient agreed. */
function due(then?: (scene: Scene) => Promise<void>): Story {
  return {
    ...kept,
    script: (language) => ({ ...full(language), conversations: [{ ...opened(), consent: "due" }] }),
    play: async (scene) => {
      await scene.find(".composer, form, [role=status]");
      await then?.(scene);
    },
  };
}

const start = (scene: Scene): Promise<void> => scene.press("patient.start");

async function about(scene: Scene): Promise<void> {
  await start(scene);
  for (const box of [await scene.find(".boxes input"), await scene.find(".boxes > :last-child input")]) box.click();
  await scene.press("patient.consent.agree");
  await scene.find("form#about-you");
}

async function dropped(scene: Scene, files: File[]): Promise<void> {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  const form = await scene.find("form.composer");
  form.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  await scene.find(`form.composer li:nth-child(${files.length})`);
  await scene.pause(300);
}

export const stories: Record<string, Story> = {
  "welcome": {},
  "welcome-closed": { practice: (usual) => ({ ...usual, open: false, demo: false, brand_color: "#8a2be2" }) },
  "welcome-nobody": { practice: (usual) => ({ ...usual, staffed: false }) },
  "leave-message": {
    practice: closedUntilMonday,
    play: async (scene) => {
      await leaving(scene);
    },
  },
  "leave-message-lacking": {
    play: async (scene) => {
      await leaving(scene);
      await scene.press("patient.leave.send");
    },
  },
  "left-message": {
    ...kept,
    practice: closedUntilMonday,
    script: (language) => ({ conversations: [conversation({ leftMessage: true })], lines: [notice(1, { kind: "joined", person: archive }), message(2, said[language].hello, { state: { kind: "sent", position: 2 } })] }),
  },
  "welcome-embedded": { embedded: true },
  "welcome-continue": { memo: { hasChat: true }, script: () => ({ conversations: [opened()] }) },
  "consent": { play: start },
  "consent-full": {
    play: async (scene) => {
      await start(scene);
      await scene.press("patient.consent.full");
    },
  },
  "consent-unticked": {
    play: async (scene) => {
      await start(scene);
      await scene.press("patient.consent.agree");
    },
  },
  "consent-child": {
    practice: (usual) => ({ ...usual, forms: [...usual.forms, { id: "children", kind: "minor", version: 1, queues: [], in_addition: true, needed: true }] }),
    play: async (scene) => {
      await about(scene);
      for (const value of ["child", "q_general", "yes"]) (await scene.find(`input[value=${value}]`)).click();
      await scene.press("patient.about.go");
      await scene.find(".boxes");
      await scene.press("patient.consent.agree");
    },
  },
  "declined": {
    play: async (scene) => {
      await start(scene);
      await scene.press("patient.consent.decline");
    },
  },
  "about-you": { play: about },
  "about-you-lacking": {
    play: async (scene) => {
      await about(scene);
      await scene.press("patient.about.go");
    },
  },
  "about-you-child": {
    play: async (scene) => {
      await about(scene);
      (await scene.find("input[value=child]")).click();
    },
  },
  "about-you-other": {
    play: async (scene) => {
      await about(scene);
      (await scene.find("input[value=other]")).click();
    },
  },
  "invited": { play: async ({ session }) => session.invite({ token: "t".repeat(32), holder: "h".repeat(32), queue: "q_general" }) },
  // A link that was used, has run out or was taken back: it is not said which.
  "invited-over": { play: async ({ session }) => session.invite(undefined) },
  "chat-quick-exit": { ...kept, practice: (usual) => ({ ...usual, quick_exit: true }), script: full },
  "unlocking": {
    ...kept,
    script: () => ({ hang: ["start"] }),
    play: async (scene) => {
      await scene.pause(100);
    },
  },
  "unlocking-slow": { ...kept, later: 6000, script: () => ({ hang: ["start"] }) },
  "waiting": { ...kept, script: () => ({ conversations: [conversation()] }) },
  "waiting-next": {
    ...kept,
    script: (language) => ({ conversations: [conversation({ place: 1 })], lines: [notice(1, { kind: "joined", person: archive }), message(2, said[language].hello, { state: { kind: "sent", position: 2 } })] }),
  },
  "waiting-offline-first": {
    script: () => ({ fail: { open: "offline" } }),
    play: async (scene) => {
      await about(scene);
      (await scene.find("input[value=q_general]")).click();
      (await scene.find("input[value=yes]")).click();
      await scene.press("patient.about.go");
      await scene.find(".composer");
      scene.core.emit({ kind: "connection", connection: "offline", queued: 1 });
      scene.session.sendText(said[scene.language].hello);
    },
  },
  "given-back": {
    script: () => ({ hang: ["start"] }),
    play: async ({ session, language, find }) => {
      for (let chats = 0; chats < 2; chats++) {
        session.begin();
        session.agree();
        void session.tellAboutMe({ name: "Ana", queue: "q_general", ownDevice: true });
        if (chats === 0) session.sendText(said[language].hello);
        session.happen({ kind: chats === 0 ? "back" : "continue" });
      }
      await find(".composer");
    },
  },
  "waiting-held-up": {
    ...kept,
    script: (language) => ({ conversations: [conversation({ place: 1 })], lines: [message(undefined, said[language].hello, { state: { kind: "sending" }, at: noon })] }),
    play: async (scene) => {
      await scene.find(".composer");
      scene.core.emit({ kind: "connection", connection: "online", queued: 1 });
      await scene.find("[role=status] a");
    },
  },
  "chat": { ...kept, script: full },
  "chat-embedded": { ...kept, embedded: true, script: (language) => ({ conversations: [opened()], lines: talk(language) }) },
  "chat-new": {
    ...kept,
    script: (language) => ({ conversations: [{ ...opened(), unread: 1 }], lines: talk(language) }),
    play: async (scene) => {
      const here = { ...opened(), unread: 1, typing: [nurse] };
      scene.core.emit({ kind: "conversation", conversation: here });
    },
  },
  "chat-states": {
    ...kept,
    script: (language) => {
      const states: SendState[] = [{ kind: "read", position: 5 }, { kind: "delivered", position: 6 }, { kind: "sent", position: 7 }, { kind: "sending" }, { kind: "queued" }, { kind: "full" }, { kind: "failed", failure: "internal" }];
      return {
        conversations: [opened()],
        lines: [
          message(1, { kind: "recalled" }, { mine: false }),
          message(2, { kind: "unreadable" }, { mine: false, at: noon + 400_000 }),
          message(3, said[language].since, { mine: false, shared: true, at: noon + 500_000 }),
          ...states.map((state, i) => message("position" in state ? state.position : undefined, said[language].knee, { state, id: `m_state${i}` as never, at: noon + 600_000 + i * 240_000 })),
          message(4, paper, { mine: false, id: "m_down" as never, progress: 0.3, at: noon + 550_000 }),
          message(undefined, photo(), { id: "m_up" as never, progress: 0.42, at: noon + 2_400_000 }),
          message(undefined, paper, { id: "m_up2" as never, progress: 0.7, at: noon + 2_700_000 }),
        ],
      };
    },
  },
  "chat-offline": {
    ...kept,
    later: 400_000,
    script: full,
    play: async (scene) => {
      await scene.find(".composer");
      scene.core.emit({ kind: "connection", connection: "offline", queued: 0 });
    },
  },
  "chat-notices": {
    ...kept,
    script: () => ({
      conversations: [{ ...opened(), members: [...opened().members, { ...nurseDana, person: "p_lee" as never, name: "Sam Lee", title: "Dr.", verified: false, online: false }] }],
      lines: [
        notice(1, { kind: "joined", person: archive }),
        message(2, "…", { mine: false }),
        notice(3, { kind: "joined", person: nurse }),
        notice(4, { kind: "joined", person: "p_lee" as never }),
        notice(5, { kind: "device-added", person: nurse }),
        notice(6, { kind: "history-shared", person: archive, count: 3 }),
        notice(7, { kind: "left", person: "p_lee" as never }),
        notice(8, { kind: "device-added", person: me }),
        notice(9, { kind: "gap" }),
        notice(10, { kind: "refused", rule: "T02" }),
        notice(11, { kind: "closed", person: nurse }),
        notice(12, { kind: "reopened", person: me }),
      ],
    }),
  },
  "chat-empty": { ...kept, script: () => ({ conversations: [{ ...opened() }], lines: [] }) },
  "chat-memory": {
    script: () => ({}),
    play: async (scene) => {
      await about(scene);
      (await scene.find("input[value=q_general]")).click();
      (await scene.find("input[value=no]")).click();
      await scene.press("patient.about.go");
      await scene.find(".waiting");
      scene.session.sendText(said[scene.language].hello);
    },
  },
  "chat-staged": {
    ...kept,
    script: full,
    play: async (scene) => {
      const jpeg = new Uint8Array(picture());
      await dropped(scene, [new File([jpeg], "IMG_2041.HEIC"), new File(["%PDF-1.7 "], "letter.pdf"), new File(["MZ"], "setup.exe"), ...Array.from({ length: 9 }, (_, i) => new File(["%PDF-1.7 "], `page ${i}.pdf`))]);
    },
  },
  "who": {
    ...kept,
    script: full,
    play: async (scene) => {
      await sheet(scene, "patient.who");
    },
  },
  "who-logged": who({ leaves, certificates }, "proved"),
  "who-unlogged": who({ leaves: [...leaves, ghostLeaf], certificates }, "missing"),
  "who-unlogged-yet": who({ leaves: [...leaves, ghostLeaf], certificates }, "young"),
  "who-unchecked": who({ leaves, certificates: () => ({ refused: "unavailable" }) }, "failed"),
  "who-log-changed": { ...who({ leaves, certificates }, "missing"), memo: { ...kept.memo, log: JSON.stringify({ verifier: "another", size: 3, root: "" }) } },
  "who-waiting": { ...kept, script: () => ({ conversations: [conversation()] }), play: (scene) => sheet(scene, "patient.who") },
  "code": {
    ...kept,
    script: full,
    play: async (scene) => {
      await sheet(scene, "patient.who");
      await scene.press("patient.code.title");
      await scene.find("dialog[open] .code");
    },
  },
  "more": { ...kept, script: full, play: (scene) => sheet(scene, "patient.more") },
  "identity": identity({ "": ownLevel("guest") }),
  "identity-limited": identity({ "": ownLevel("guest"), code: { refused: "rate-limited" } }, async (scene) => {
    await fill(scene, "dialog[open] input[type=email]", "ana@mail.example");
    await scene.press("patient.identity.send");
  }),
  "identity-sent": identity({ "": ownLevel("guest"), code: sentCode }, codeSent),
  "identity-wrong-code": identity({ "": ownLevel("guest"), code: sentCode, "code/check": { refused: "not-matched" } }, async (scene) => {
    await codeSent(scene);
    await fill(scene, "dialog[open] input[autocomplete=one-time-code]", "000000");
    await scene.press("patient.identity.check");
  }),
  "identity-match": identity({ "": ownLevel("contact") }),
  "identity-wrong": identity({ "": ownLevel("contact"), match: { refused: "not-matched" } }, async (scene) => {
    await fill(scene, "dialog[open] input[type=date]", "1984-03-09");
    await fill(scene, "dialog[open] form label:last-of-type ~ input, dialog[open] form div:last-of-type input", "123456");
    await scene.press("patient.identity.check");
  }),
  "identity-pin-alone": identity({ "": ownLevel("guest") }, (scene) => scene.press("patient.identity.skip-step")),
  "identity-contact-first": identity({ "": ownLevel("guest"), match: { refused: "contact-first" } }, async (scene) => {
    await scene.press("patient.identity.skip-step");
    await fill(scene, "dialog[open] input[type=date]", "1984-03-09");
    await fill(scene, "dialog[open] form label:last-of-type ~ input, dialog[open] form div:last-of-type input", "123456");
    await scene.press("patient.identity.check");
  }),
  "identity-other": identity({ "": ownLevel("contact"), match: { refused: "other-patient" } }, async (scene) => {
    await fill(scene, "dialog[open] input[type=date]", "1984-03-09");
    await fill(scene, "dialog[open] form label:last-of-type ~ input, dialog[open] form div:last-of-type input", "123456");
    await scene.press("patient.identity.check");
  }),
  "identity-spent": identity({ "": ownLevel("guest", { tries_spent: true }) }),
  "identity-none": identity({ "": ownLevel("guest", { steps: { channels: [], facts: [], pin: false, days: 30 } }) }),
  "identity-lapsed": identity({ "": ownLevel("guest", { lapsed: true, ...onePasskey }) }),
  "identity-failed": identity({}),
  "identity-portal": identity({ "": ownLevel("guest", withPortal) }),
  "identity-portal-away": identity({ "": ownLevel("guest", withPortal), portal: { refused: "provider-away" } }, (scene) => scene.press("patient.identity.portal.use", { name: "MyRiverside" })),
  "identity-portal-waits": identity({ "": ownLevel("guest", { ...withPortal, portal_waits: noon }) }),
  "identity-portal-matched": identity({ "": ownLevel("matched", withPortal) }),
  "identity-matched": identity({ "": ownLevel("matched") }),
  "identity-passkeys": identity({ "": ownLevel("signed-in", onePasskey) }),
  "identity-passkey-kept": identity({ "": ownLevel("signed-in", onePasskey), "passkeys/remove": { refused: "forbidden" } }, (scene) => scene.press("patient.identity.passkey.remove", { name: "Chrome on Android" })),
  "identity-passkey-embedded": { ...identity({ "": ownLevel("matched") }), embedded: true },
  "return": { play: (scene) => sheet(scene, "patient.return") },
  "return-embedded": { embedded: true, play: (scene) => sheet(scene, "patient.return") },
  "files": {
    ...kept,
    script: full,
    play: async (scene) => {
      await sheet(scene, "patient.more");
      await sheet(scene, "patient.files");
    },
  },
  "files-none": {
    ...kept,
    script: () => ({ conversations: [conversation()] }),
    play: async (scene) => {
      await sheet(scene, "patient.more");
      await sheet(scene, "patient.files");
    },
  },
  "seen": seen([firstSeen, earlierSeen]),
  "seen-all": seen([firstSeen, earlierSeen], {}, async (scene) => {
    await scene.press("patient.seen.older");
    await scene.find("dialog[open] .content section:nth-of-type(3)");
  }),
  "seen-none": seen([]),
  "seen-failed": seen([firstSeen], { fail: { sightings: "offline" } }, (scene) => scene.find("dialog[open] [role=alert]").then(() => undefined)),
  "seen-loading": seen([firstSeen], { hang: ["sightings"] }, (scene) => scene.find("dialog[open] .content .skeleton").then(() => undefined)),
  "wrote": wrote(devicesOf(), {}, allProved),
  "wrote-witnessed": wrote(devicesOf({ witnesses }), {}, allProved),
  "wrote-none": wrote(devicesOf({ devices: [], events: [] }), {}, (scene) => scene.find("dialog[open] .note").then(() => undefined)),
  "wrote-unchecked": wrote(devicesOf({ away: "log/checkpoint" }), {}, allProved),
  "wrote-wrong": wrote(devicesOf({ devices: everyDevice, events: [changed, ...logged.filter(({ kind, object, subject }) => subject === "p_me" && kind === "certificate.issued" && object !== "d_tablet").toReversed()] }), {}, allProved),
  "wrote-key": wrote(devicesOf({ devices: everyDevice.filter(({ name }) => name).map((one) => ({ ...one, key: ghostLeaf.key })) }), {}, allProved),
  "wrote-changed": { ...wrote(devicesOf(), {}, allProved), memo: { ...kept.memo, log: JSON.stringify({ verifier: "another", size: 3, root: "" }) } },
  "wrote-failed": wrote(devicesOf({ away: "log" }), {}, (scene) => scene.find("dialog[open] [role=alert]").then(() => undefined)),
  "wrote-loading": wrote(devicesOf(), { hang: ["devices"] }, (scene) => scene.find("dialog[open] .content .skeleton").then(() => undefined)),
  "new-device": { ...kept, script: (language) => ({ ...full(language), devices: devicesOf({ isNew: 1 }) }), play: (scene) => scene.find("main [role=alert]").then(() => undefined) },
  "agreements": agreements(given),
  "agreements-none": agreements({}),
  "agreements-failed": agreements({}, 0, { fail: { agreements: "offline" } }),
  "agreements-loading": agreements({}, 0, { hang: ["agreements"] }),
  "agreements-one": agreements(given, 1),
  "agreements-sure": agreements(given, 1, {}, (scene) => scene.press("patient.agreements.back")),
  "agreements-offered": agreements(given, 3, {}, (scene) => scene.press("patient.agreements.yes")),
  "form-changed": due(),
  "form-changed-withdraw": due(withdrawn),
  "form-changed-read": due(async (scene) => {
    await sheet(scene, "patient.due.read");
    await scene.press("patient.consent.agree");
  }),
  "withdraw": {
    ...kept,
    script: (language) => ({ ...full(language), agreements: { agreements: [agreed({ language, conversation: "c_one" as Agreement["conversation"] })], offered: [] } }),
    play: async (scene) => {
      await sheet(scene, "patient.consent.mine");
      await scene.find("dialog[open] p[dir]");
    },
  },
  "withdrawn": {
    ...kept,
    script: (language) => ({ ...full(language), conversations: [{ ...opened(), consent: "withdrawn" }] }),
  },
  "ended": { ...kept, script: (language) => ({ ...full(language), conversations: [{ ...opened(), state: "closed", closedBy: nurse }] }) },
  "ended-withdraw": { ...kept, script: (language) => ({ ...full(language), conversations: [{ ...opened(), state: "closed", closedBy: nurse }] }), play: withdrawn },
  "rate": {
    ...kept,
    script: (language) => ({ ...full(language), conversations: [{ ...opened(), state: "closed", closedBy: nurse }] }),
    play: (scene) => sheet(scene, "patient.rate"),
  },
  "recall": {
    ...kept,
    script: full,
    play: async (scene) => {
      (await scene.find(".choices button")).click();
      await sheet(scene, "ui.message.recall");
    },
  },
  "recalled": {
    ...kept,
    script: (language) => ({
      conversations: [opened()],
      lines: [
        ...talk(language),
        message(8, { kind: "recalled", at: noon + 300_000 }),
        message(9, { kind: "recalled", at: noon + 320_000 }, { mine: false }),
        message(10, said[language].thanks, { recalling: true }),
      ],
    }),
  },
  "locked": {
    ...kept,
    script: full,
    play: async (scene) => {
      await scene.find(".composer");
      scene.view.lock();
    },
  },
  "idle": {
    ...kept,
    script: full,
    play: async (scene) => {
      await scene.find(".composer");
      scene.view.idleLeft = 95;
    },
  },
  "notes": { memo: { hasChat: true, inChat: true }, script: full },
  "risk": {
    ...kept,
    script: full,
    play: async (scene) => {
      await scene.find(".composer");
      scene.session.sendText({ en: "I want to die", es: "Quiero morir", ar: "أريد أن أموت" }[scene.language]);
    },
  },
  "photo": {
    ...kept,
    script: full,
    play: async (scene) => {
      scene.core.openFile = async () => new Blob([picture() as BlobPart]);
      (await scene.find("button.picture")).click();
      await scene.find("dialog[open] img");
    },
  },
  "storage": { storage: false, embedded: true, play: start },
  "unsupported": { supported: false },
  "unreachable": { practice: () => { throw new Error("down"); } },
  "failed": { ...kept, script: () => ({ fail: { start: "internal" } }) },
  "untrusted": { ...kept, script: () => ({ fail: { start: "untrusted" } }) },
};
