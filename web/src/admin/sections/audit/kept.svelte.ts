// What a person keeps of the explorer in this browser: filters by a name, and
// which columns they look at. A name is free text and may be a patient's: it
// goes nowhere else, and lies sealed, as what the core keeps does, in a store of
// this person's alone.

import { isRecord } from "../../../core/shared/wire.ts";
import type { Keep } from "../../../core/worker/store.ts";
import { explorerStore, noteStore } from "../../../staff/stores.ts";

export interface View {
  readonly name: string;
  /** The query of the address. */
  readonly query: string;
}

export const usual: readonly string[] = ["who", "what", "about", "proof"];
export const mostViews = 20;

/** Of a store what this needs. */
type Shelf = Pick<Keep, "get" | "apply">;

async function openSealed(practice: string, person: string): Promise<Shelf> {
  noteStore(practice, person);
  const { openKeep } = await import("../../../core/worker/store.ts");
  const name = explorerStore(practice, person);
  // One tab at a time, or each would make keys of its own.
  return navigator.locks.request(name, () => openKeep(name));
}

const key = "explorer";

export class Kept {
  private readonly shelf: Promise<Shelf | undefined>;
  /** Settled once what was kept is here. */
  readonly ready: Promise<void>;
  views = $state.raw<readonly View[]>([]);
  /** The columns that are shown, by their ids. */
  columns = $state.raw<readonly string[]>(usual);
  /** Whether it lasts longer than this page: a browser may keep nothing. */
  lasts = $state(true);

  constructor(practice: string, person: string, open: (practice: string, person: string) => Promise<Shelf> = openSealed) {
    this.shelf = open(practice, person).catch(() => undefined);
    this.ready = this.load();
  }

  private async load(): Promise<void> {
    const shelf = await this.shelf;
    this.lasts = shelf !== undefined;
    try {
      const bytes = await shelf?.get(key);
      const kept: unknown = JSON.parse(bytes ? new TextDecoder().decode(bytes) : "{}");
      if (!isRecord(kept)) return;
      // What was chosen before it was here stays chosen.
      const { views } = this;
      if (Array.isArray(kept.views)) this.views = [...views, ...kept.views.filter(isView).filter(({ name }) => !views.some((each) => each.name === name))].slice(0, mostViews);
      if (Array.isArray(kept.columns) && this.columns === usual) this.columns = kept.columns.filter((each) => typeof each === "string");
    } catch {
      return; // not ours
    }
  }

  /** Keeps the filters of an address by a name, in place of those that had it; settled once they are kept, or never will be. */
  save(name: string, query: URLSearchParams): Promise<void> {
    const others = this.views.filter((each) => each.name !== name);
    this.views = [{ name, query: query.toString() }, ...others].slice(0, mostViews);
    return this.write();
  }

  drop(name: string): void {
    this.views = this.views.filter((each) => each.name !== name);
    void this.write();
  }

  show(column: string, shown: boolean): void {
    const others = this.columns.filter((each) => each !== column);
    this.columns = shown ? [...others, column] : others;
    void this.write();
  }

  private write(): Promise<void> {
    return this.ready
      .then(async () => {
        const shelf = await this.shelf;
        await shelf?.apply([[key, new TextEncoder().encode(JSON.stringify({ views: this.views, columns: this.columns }))]], []);
        this.lasts = shelf !== undefined;
      })
      .catch(() => {
        this.lasts = false; // it is full
      });
  }
}

function isView(value: unknown): value is View {
  return isRecord(value) && typeof value.name === "string" && typeof value.query === "string";
}
