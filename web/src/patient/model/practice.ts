// What anybody may know of a practice: GET /v1/practices/{slug} (api/practice.go).

export interface ConsentText {
  readonly title: string;
  /** The short form. */
  readonly points: readonly string[];
  /** Paragraphs with blank lines between them. */
  readonly full: string;
}

export interface Practice {
  readonly slug: string;
  readonly name: string;
  readonly phone: string;
  readonly country: string;
  /** BCP 47, the practice's own first. */
  readonly languages: readonly string[];
  readonly brand_color: string | undefined;
  readonly demo: boolean;
  readonly open: boolean;
  readonly wait_minutes: number;
  readonly queues: readonly { readonly id: string; readonly reason: Readonly<Record<string, string>> }[];
  readonly consent: {
    readonly id: string;
    readonly version: number;
    readonly published_at: number;
    readonly texts: Readonly<Record<string, ConsentText>>;
  };
  readonly max_file_bytes: number;
  readonly archive_note: string;
}

export class PracticeError extends Error {
  constructor(readonly reason: "not-found" | "unreachable") {
    super(reason);
  }
}

// What was answered, with each part checked as it is taken. By hand, as this
// is in the way of the first screen and a library for it weighs more than all.
type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError("not an object");
  return value as Fields;
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
  return Object.fromEntries(Object.entries(fields(value)).map(([key, part]) => [key, each(part)]));
}

const text = (value: unknown): string => of("string", value);

/** Throws a TypeError if it is not a practice. Fields we do not use are left out. */
export function parsePractice(value: unknown): Practice {
  const from = fields(value);
  const consent = fields(from.consent);
  return {
    slug: text(from.slug),
    name: text(from.name),
    phone: text(from.phone),
    country: text(from.country),
    languages: list(from.languages).map(text),
    brand_color: from.brand_color === undefined ? undefined : text(from.brand_color),
    demo: of("boolean", from.demo),
    open: of("boolean", from.open),
    wait_minutes: of("number", from.wait_minutes),
    queues: list(from.queues).map((queue) => ({ id: text(fields(queue).id), reason: map(fields(queue).reason, text) })),
    consent: {
      id: text(consent.id),
      version: of("number", consent.version),
      published_at: of("number", consent.published_at),
      texts: map(consent.texts, (form) => ({
        title: text(fields(form).title),
        points: list(fields(form).points).map(text),
        full: text(fields(form).full),
      })),
    },
    max_file_bytes: of("number", from.max_file_bytes),
    archive_note: text(from.archive_note),
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

/** The form's text in the person's language, or else in the practice's own. */
export function consentIn(practice: Practice, language: string): { language: string; text: ConsentText } | undefined {
  for (const wanted of [language, ...practice.languages, ...Object.keys(practice.consent.texts)]) {
    const found = practice.consent.texts[wanted];
    if (found) return { language: wanted, text: found };
  }
  return undefined;
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
