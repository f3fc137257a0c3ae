// The rows of the explorer: what the address asks for, page by page.

import type * as api from "../../../api/schema.ts";
import { language, type Language } from "../../../ui/words.svelte.ts";
import { Refused } from "../../../staff/refused.ts";
import type { Admin } from "../../admin.svelte.ts";
import { Choice } from "../../parts/choice.svelte.ts";
import { categories, categoryName } from "./audit.ts";

/** What may be asked for; each is a part of the address. */
export const asked = ["category", "kind", "outcome", "person", "subject", "patient", "conversation", "object"] as const;

// The API says in English what a kind means; these say it in other languages.
const translations: Partial<Record<Language, () => Promise<{ default: Readonly<Record<string, string>> }>>> = {
  es: () => import("../../../../locales/kinds/es.json"),
  ar: () => import("../../../../locales/kinds/ar.json"),
};

/** Acts of one category, in a person's language. */
export interface Choices {
  readonly group: string;
  readonly options: readonly { readonly value: string; readonly label: string; readonly lang?: string }[];
}

/** How often one press looks on where nothing was found: each look is in the log too. */
const mostPages = 5;

export class Rows {
  private readonly admin: Admin;
  readonly choice = new Choice();
  value = $state.raw<readonly api.AuditEvent[]>();
  kinds = $state.raw<ReadonlyMap<string, api.AuditKind>>(new Map());
  /** What the staff in the rows are called, by id. */
  names = $state.raw<ReadonlyMap<string, string>>(new Map());
  next = $state("");
  /** How many there are on all pages, as the server counted with the first. */
  matching = $state.raw<api.AuditMatching>();
  problem = $state.raw<Refused>();
  busy = $state(false);
  private spoken = $state.raw<Readonly<Record<string, string>>>({});
  private path = "";

  constructor(admin: Admin) {
    this.admin = admin;
  }

  /** Says what kinds mean in a language from now on. */
  async speak(language: Language): Promise<void> {
    this.spoken = (await translations[language]?.())?.default ?? {};
  }

  /** What a kind means, with the actor as its subject, and in which language if it is not the page's. */
  says(kind: string): { readonly text: string; readonly lang?: string } {
    const text = this.spoken[kind];
    return text ? { text } : { text: this.kinds.get(kind)?.says ?? kind, lang: "en" };
  }

  /**
   * All acts to choose from, by what they are about and then by their words: of
   * one category, or of all if it is empty. What is chosen is always among them.
   */
  choices(category: string, chosen: string): readonly Choices[] {
    const collator = new Intl.Collator(language());
    return categories.flatMap((each) => {
      const options = [...this.kinds.values()]
        .filter((kind) => kind.category === each && (!category || category === each || kind.kind === chosen))
        .map(({ kind }) => {
          const { text, lang } = this.says(kind);
          return { value: kind, label: text, ...(lang && { lang }) };
        })
        .sort((a, b) => collator.compare(a.label, b.label));
      return options.length > 0 ? [{ group: categoryName(each), options }] : [];
    });
  }

  /** Asks for what an address says, unless that is there. */
  async show(query: URLSearchParams): Promise<void> {
    const path = pathOf(query);
    if (path === this.path) return;
    this.path = path;
    this.value = undefined;
    this.matching = undefined;
    this.choice.clear();
    await this.fetch(path, false);
  }

  async load(): Promise<void> {
    await this.fetch(this.path, false);
  }

  async more(): Promise<void> {
    await this.fetch(`${this.path}&cursor=${encodeURIComponent(this.next)}`, true);
  }

  private async fetch(path: string, append: boolean): Promise<void> {
    this.busy = true;
    const { path: wanted } = this;
    try {
      const [first, known] = await Promise.all([
        this.admin.get<api.AuditPage>(path),
        this.kinds.size > 0 ? undefined : this.admin.get<api.AuditKinds>("/v1/audit/kinds"),
      ]);
      let page = first;
      // The server looks at so many entries a call: where none of them is what was asked for, it looks on.
      for (let pages = 1; page.events.length === 0 && page.next && wanted === this.path && pages < mostPages; pages++) {
        page = await this.admin.get<api.AuditPage>(`${this.path}&cursor=${encodeURIComponent(page.next)}`);
      }
      if (known) this.kinds = new Map(known.kinds.map((kind) => [kind.kind, kind]));
      if (wanted !== this.path) return; // something else was asked for meanwhile
      // What came to the log meanwhile may have moved some into the next page again.
      const before = append ? (this.value ?? []) : [];
      this.value = [...before, ...page.events.filter(({ number }) => !before.some((each) => each.number === number))];
      this.names = new Map([...this.names, ...Object.entries(page.names ?? {})]);
      this.next = page.next ?? "";
      if (!append) this.matching = first.matching;
      this.problem = undefined;
    } catch (error) {
      if (wanted === this.path) this.problem = error instanceof Refused ? error : new Refused("internal");
    } finally {
      if (wanted === this.path) this.busy = false;
    }
  }
}

/** The call of the API that an address stands for. Days are whole, in the reader's time zone. */
export function pathOf(query: URLSearchParams): string {
  return `/v1/admin/audit/events?${selection(query, { limit: "50" })}`;
}

/** What an address selects, for the API. */
export function selection(query: URLSearchParams, more: Readonly<Record<string, string>>): URLSearchParams {
  const search = new URLSearchParams(more);
  for (const name of asked) {
    const value = query.get(name)?.trim();
    if (value) search.set(name, value);
  }
  const [from, until] = [dayStart(query.get("from")), dayStart(query.get("until"), 1)];
  if (from !== undefined) search.set("from", String(from));
  if (until !== undefined) search.set("until", String(until));
  return search;
}

function dayStart(day: string | null, later = 0): number | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? "");
  if (!parts) return undefined;
  return new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + later).getTime();
}
