// What anybody may know of a practice: GET /v1/practices/{slug} (api/practice.go).

import type * as api from "../../api/schema.ts";
import type { Untrusted } from "../../api/untrusted.ts";

export type ConsentText = Omit<api.ConsentText, "sha256">;

export type ConsentForm = Omit<api.ConsentForm, "texts"> & { readonly texts: Readonly<Record<string, ConsentText>> };

export type Practice = Pick<
  api.Practice,
  | "slug"
  | "name"
  | "phone"
  | "country"
  | "languages"
  | "demo"
  | "time_zone"
  | "open"
  | "staffed"
  | "opens_at"
  | "wait_minutes"
  | "queues"
  | "max_file_bytes"
  | "archive_note"
  | "recall_minutes"
  | "idle_minutes_patient"
  | "risk_words"
  | "quick_exit"
  | "forms"
  | "majority"
> & { readonly brand_color: string | undefined; readonly consent: ConsentForm };

export class PracticeError extends Error {
  constructor(readonly reason: "not-found" | "unreachable") {
    super(reason);
  }
}

// What was answered, with each part checked as it is taken. By hand, as this
// is in the way of the first screen and a library for it weighs more than all.
function fields<T>(value: unknown): Untrusted<T> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("not an object");
  return value as Untrusted<T>;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError("not a list");
  return value;
}

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
}

function of<K extends keyof Kinds>(kind: K, value: unknown): Kinds[K] {
  if (typeof value !== kind) throw new TypeError(`not a ${kind}`);
  return value as Kinds[K];
}

function map<T>(value: unknown, each: (value: unknown) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(fields<Record<string, unknown>>(value)).map(([key, part]) => [key, each(part)]));
}

const text = (value: unknown): string => of("string", value);

/** The time of the next opening, if there is one. */
function at(value: unknown): { opens_at?: number } {
  return value === undefined ? {} : { opens_at: of("number", value) };
}

const levels = ["guest", "contact", "matched", "signed-in"] as const;

/** A level that is not known asks for what most queues do. */
function level(value: unknown): api.Queue["level"] {
  return levels.find((known) => known === value) ?? "matched";
}

function parseQueue(value: unknown): api.Queue {
  const from = fields<api.Queue>(value);
  return { id: text(from.id), reason: map(from.reason, text), readers: list(from.readers).map(text), open: of("boolean", from.open), level: level(from.level), ...at(from.opens_at) };
}

function parseText(value: unknown): ConsentText {
  const from = fields<api.ConsentText>(value);
  return { title: text(from.title), points: list(from.points).map(text), full: text(from.full), ...(from.kept === undefined ? {} : { kept: text(from.kept) }) };
}

function parseConsent(value: unknown): ConsentForm {
  const from = fields<api.ConsentForm>(value);
  return {
    id: text(from.id),
    kind: text(from.kind) as api.ConsentForm["kind"],
    version: of("number", from.version),
    published_at: of("number", from.published_at),
    texts: map(from.texts, parseText),
  };
}

function parseHead(value: unknown): api.FormHead {
  const from = fields<api.FormHead>(value);
  return {
    id: text(from.id),
    kind: text(from.kind) as api.FormHead["kind"],
    version: of("number", from.version),
    queues: list(from.queues).map(text),
    in_addition: of("boolean", from.in_addition),
    needed: of("boolean", from.needed),
  };
}

/** The forms that stand before a chat of the queue, in which a parent writes or not, the chat's own first: as the hub judges (internal/hub/form.go). */
export function formsBefore({ forms, consent }: Practice, queue: string, forMinor: boolean): readonly api.FormHead[] {
  const here = forms.filter((form) => form.needed && (form.kind !== "minor" || forMinor) && (form.queues.length === 0 || form.queues.includes(queue)));
  const own = here.filter((form) => !form.in_addition);
  const first = own.find((form) => form.queues.length > 0) ?? own.find((form) => form.id === consent.id) ?? own[0];
  return first ? [first, ...here.filter((form) => form.in_addition)] : [];
}

/** A published form, also a former version. Throws a PracticeError and nothing else. */
export async function loadForm(slug: string, form: string, version: number): Promise<ConsentForm> {
  try {
    const response = await fetch(`/v1/practices/${encodeURIComponent(slug)}/forms/${encodeURIComponent(form)}?version=${version}`, { credentials: "omit" });
    if (!response.ok) throw new Error(String(response.status));
    return parseConsent(await response.json());
  } catch {
    throw new PracticeError("unreachable");
  }
}

/** Says that somebody said no: it is counted, and not by whom. */
export function noteDeclined(slug: string, form: Pick<ConsentForm, "id" | "version">): void {
  const body = JSON.stringify({ form: form.id, version: form.version });
  void fetch(`/v1/practices/${encodeURIComponent(slug)}/declined`, { method: "POST", credentials: "omit", keepalive: true, headers: { "content-type": "application/json" }, body }).catch(
    () => undefined,
  );
}

/** Throws a TypeError if it is not a practice. Fields we do not use are left out. */
export function parsePractice(value: unknown): Practice {
  const from = fields<api.Practice>(value);
  return {
    slug: text(from.slug),
    name: text(from.name),
    phone: text(from.phone),
    country: text(from.country),
    languages: list(from.languages).map(text),
    brand_color: from.brand_color === undefined ? undefined : text(from.brand_color),
    demo: of("boolean", from.demo),
    time_zone: text(from.time_zone),
    open: of("boolean", from.open),
    staffed: of("boolean", from.staffed),
    ...at(from.opens_at),
    wait_minutes: of("number", from.wait_minutes),
    queues: list(from.queues).map(parseQueue),
    consent: parseConsent(from.consent),
    forms: list(from.forms).map(parseHead),
    max_file_bytes: of("number", from.max_file_bytes),
    archive_note: text(from.archive_note),
    recall_minutes: of("number", from.recall_minutes),
    idle_minutes_patient: of("number", from.idle_minutes_patient),
    majority: of("number", from.majority),
    quick_exit: from.quick_exit === true,
    risk_words: from.risk_words === undefined ? {} : map(from.risk_words, (words) => list(words).map(text)),
  };
}

/** Loads a practice. Throws a PracticeError and nothing else. */
export async function loadPractice(slug: string): Promise<Practice> {
  let response: Response;
  try {
    response = await fetch(`/v1/practices/${encodeURIComponent(slug)}`, { credentials: "omit" });
  } catch {
    throw new PracticeError("unreachable");
  }
  if (response.status === 404) throw new PracticeError("not-found");
  try {
    if (!response.ok) throw new Error(String(response.status));
    return parsePractice(await response.json());
  } catch {
    throw new PracticeError("unreachable");
  }
}

/** A form's text in the person's language, or else in the practice's own. */
export function textIn(form: ConsentForm, practice: Practice, language: string): { language: string; text: ConsentText } | undefined {
  for (const wanted of [language, ...practice.languages, ...Object.keys(form.texts)]) {
    const found = form.texts[wanted];
    if (found) return { language: wanted, text: found };
  }
  return undefined;
}

export function consentIn(practice: Practice, language: string): { language: string; text: ConsentText } | undefined {
  return textIn(practice.consent, practice, language);
}

/** What the hash of a form's text is taken over: title, points and full text, each on its line. */
export function consentBytes({ title, points, full }: ConsentText): Uint8Array {
  return new TextEncoder().encode([title, ...points, full].join("\n"));
}

export function reasonIn(practice: Practice, queue: Practice["queues"][number], language: string): string {
  for (const wanted of [language, ...practice.languages, ...Object.keys(queue.reason)]) {
    const found = queue.reason[wanted];
    if (found) return found;
  }
  return queue.id;
}

/** Whom to call when it cannot wait, by ISO 3166-1 country. The crisis line is a call or text. */
export function emergencyNumbers(country: string): { emergency: string; crisis?: string } {
  switch (country.toUpperCase()) {
    case "US":
    case "CA":
      return { emergency: "911", crisis: "988" };
    case "MX":
      return { emergency: "911" };
    case "GB":
      return { emergency: "999" };
    case "AU":
      return { emergency: "000" };
    case "NZ":
      return { emergency: "111" };
    default:
      return { emergency: "112" };
  }
}
