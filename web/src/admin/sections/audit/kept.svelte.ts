// What a person keeps of the explorer in this browser: filters by a name, and
// which columns they look at. A name is free text and may be a patient's: it
// goes nowhere else.

import { browserStore } from "../../../auditlog/log.svelte.ts";
import { isRecord } from "../../../core/shared/wire.ts";

export interface View {
  readonly name: string;
  /** The query of the address. */
  readonly query: string;
}

export const usual: readonly string[] = ["who", "what", "about", "proof"];
export const mostViews = 20;

export class Kept {
  private readonly store: Pick<Storage, "getItem" | "setItem"> | undefined;
  private readonly key: string;
  views = $state.raw<readonly View[]>([]);
  /** The columns that are shown, by their ids. */
  columns = $state.raw<readonly string[]>(usual);
  /** Whether it lasts longer than this page: a browser may keep nothing. */
  lasts = $state(true);

  constructor(practice: string, person: string, store: Pick<Storage, "getItem" | "setItem"> | undefined = browserStore()) {
    this.store = store;
    this.key = `sotto.explorer.${practice}.${person}`;
    this.lasts = store !== undefined;
    try {
      const kept: unknown = JSON.parse(store?.getItem(this.key) ?? "{}");
      if (!isRecord(kept)) return;
      if (Array.isArray(kept.views)) this.views = kept.views.filter(isView).slice(0, mostViews);
      if (Array.isArray(kept.columns)) this.columns = kept.columns.filter((each) => typeof each === "string");
    } catch {
      return; // not ours
    }
  }

  /** Keeps the filters of an address by a name, in place of those that had it. */
  save(name: string, query: URLSearchParams): void {
    const others = this.views.filter((each) => each.name !== name);
    this.views = [{ name, query: query.toString() }, ...others].slice(0, mostViews);
    this.write();
  }

  drop(name: string): void {
    this.views = this.views.filter((each) => each.name !== name);
    this.write();
  }

  show(column: string, shown: boolean): void {
    const others = this.columns.filter((each) => each !== column);
    this.columns = shown ? [...others, column] : others;
    this.write();
  }

  private write(): void {
    try {
      this.store?.setItem(this.key, JSON.stringify({ views: this.views, columns: this.columns }));
    } catch {
      this.lasts = false; // it is full
    }
  }
}

function isView(value: unknown): value is View {
  return isRecord(value) && typeof value.name === "string" && typeof value.query === "string";
}
