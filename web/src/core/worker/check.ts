// What the worker accepts: known methods with arguments of the right shape and
// size. A page that was tricked into running foreign code must not be able to
// confuse the one who holds the keys, and the worker of another release may be
// at the other end of a broadcast channel.

import { isRecord, type Call, type Method } from "../shared/wire.ts";

type Check = (value: unknown) => boolean;

const text =
  (max: number): Check =>
  (v) =>
    typeof v === "string" && v.length <= max;
const id: Check = (v) => typeof v === "string" && v.length > 0 && v.length <= 64;
// The page of a release before names had none to give.
const name: Check = (v) => typeof v === "string" && /^[0-9a-f]{32}$/.test(v);
const bool: Check = (v) => typeof v === "boolean";
const count: Check = (v) => typeof v === "number" && Number.isSafeInteger(v) && v >= 0;
const optional =
  (check: Check): Check =>
  (v) =>
    v === undefined || check(v);
const oneOf =
  (...words: string[]): Check =>
  (v) =>
    typeof v === "string" && words.includes(v);
const bytes =
  (max: number): Check =>
  (v) =>
    v instanceof Uint8Array && v.byteLength <= max;
const shape =
  (fields: Record<string, Check>): Check =>
  (v) =>
    isRecord(v) && Object.entries(fields).every(([name, check]) => check(v[name]));

/** Longest text of one message, in UTF-16 units: well inside one frame. */
export const maxTextLength = 32_000;

const agreed: Check = (v) =>
  Array.isArray(v) && v.length > 0 && v.length <= 9 && v.every(shape({ form: id, kind: id, version: count, language: text(35), sha256: bytes(64) }));

const methods: Record<Method, readonly Check[]> = {
  start: [
    shape({
      surface: oneOf("patient", "staff"),
      practice: id,
      person: optional(id),
      memoryOnly: bool,
      deviceName: text(64),
      authority: optional(text(64)),
    }),
  ],
  open: [
    shape({
      id: optional((v) => typeof v === "string" && /^c_[a-z2-7]{26}$/.test(v)),
      queue: id,
      language: text(35),
      name: text(200),
      consents: agreed,
      leftMessage: optional(bool),
      invitation: optional(shape({ token: text(64), holder: text(64) })),
      writesFor: optional(shape({ kind: oneOf("parent", "guardian", "carer", "representative"), age: optional(oneOf("minor", "adult")) })),
    }),
  ],
  sendText: [id, text(maxTextLength), optional(name), optional(text(1 << 20))],
  sendFile: [
    id,
    (v) => v instanceof Blob,
    shape({
      name: text(255),
      mediaType: text(127),
      size: count,
      preview: optional(bytes(48 << 10)),
      width: optional(count),
      height: optional(count),
    }),
    optional(name),
  ],
  retry: [id],
  cancel: [id],
  recall: [id, optional(count)],
  lines: [id, optional(count), optional(count)],
  openFile: [id],
  markRead: [id, count],
  setTyping: [id, bool],
  saveDraft: [id, text(maxTextLength)],
  safetyCode: [id, id],
  leaves: [id],
  certificates: [id, id, optional(text(64))],
  act: [id, oneOf("take", "take-over", "join", "leave", "close", "reopen", "withdraw"), optional(oneOf("coaching", "asked", "complaint", "absent", "safety", "other"))],
  agree: [text(64), agreed],
  agreements: [],
  sightings: [optional(text(512))],
  devices: [oneOf("", "seen", "log", "log/checkpoint", "log/proof", "log/growth"), optional((v) => typeof v === "string" && v.length <= 600 && /^[\w=&%.-]*$/.test(v))],
  takeBack: [id],
  rate: [id, count],
  identify: [oneOf("", "code", "code/check", "match", "passkeys", "passkeys/remove", "portal", "portal/finish"), optional(shape({}))],
  introduce: [bytes(1024)],
  comeBack: [shape({ nonce: text(256), credential: text(1364), client_data: text(5464), authenticator_data: text(5464), signature: text(1364), user_handle: optional(text(128)) })],
  list: [oneOf("waiting", "mine", "team", "closed"), optional(text(512))],
  forget: [],
};

/** True for a call that the core may act upon. */
export function isCall(value: unknown): value is Call {
  if (!isRecord(value) || value.t !== "call" || !count(value.id)) return false;
  if (typeof value.method !== "string" || !Object.hasOwn(methods, value.method)) return false;
  const checks = methods[value.method as Method];
  const given = value.args;
  if (!Array.isArray(given) || given.length > checks.length) return false;
  return checks.every((check, i) => check(given[i]));
}
