// The rows of a list that a person chose, by id. What is chosen goes when other
// rows are shown: nobody acts on a row that they no longer see.

export class Choice {
  private ids = $state.raw<ReadonlySet<string>>(new Set());

  has(id: string): boolean {
    return this.ids.has(id);
  }

  toggle(id: string): void {
    const ids = new Set(this.ids);
    if (!ids.delete(id)) ids.add(id);
    this.ids = ids;
  }

  /** Chooses all that are shown; if they are chosen already, none. */
  toggleAll(shown: readonly string[]): void {
    this.ids = new Set(shown.every((id) => this.ids.has(id)) ? [] : shown);
  }

  clear(): void {
    this.ids = new Set();
  }

  /** What a key does to it: X is for the row in focus, Shift+X for all that are shown. False if it is for something else. */
  key(event: Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">, row: string | undefined, shown: readonly string[]): boolean {
    if (event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.shiftKey) this.toggleAll(shown);
    else if (row !== undefined) this.toggle(row);
    else return false;
    return true;
  }
}

/** Whether what has the focus takes keys for itself, as a box to tick does not. */
export function takesKeys(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox]), select, textarea");
}
