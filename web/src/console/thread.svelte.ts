// The log of one conversation as far as it is loaded.

import type { ConversationId, Core, Line } from "../core/shared/protocol.ts";
import { keyOf, mergeLines } from "../ui/log.ts";
import { newestOfOthers, oldestPosition, readUpTo, remove } from "./model/log.ts";

const pageSize = 60;

export class Thread {
  lines = $state.raw<readonly Line[]>([]);
  status = $state<"idle" | "loading" | "ready" | "failed">("idle");
  /** An older page is on its way. */
  loadingOlder = $state(false);
  /** The first line of the conversation is here. */
  whole = $state(false);
  /** The position after which the "New" line stands while the chat is open. */
  readUpTo = $state<number>();

  private readonly core: Core;
  private readonly id: ConversationId;

  constructor(core: Core, id: ConversationId) {
    this.core = core;
    this.id = id;
  }

  async load(): Promise<void> {
    if (this.status === "ready" || this.status === "loading") return;
    await this.reload();
  }

  /** Asks again for the newest page, for example after the device was added. */
  async reload(): Promise<void> {
    this.status = "loading";
    try {
      const page = await this.core.lines(this.id, undefined, pageSize);
      this.lines = mergeLines(this.lines, page);
      this.whole = page.length < pageSize;
      this.status = "ready";
    } catch {
      this.status = this.lines.length > 0 ? "ready" : "failed";
    }
  }

  async older(): Promise<void> {
    const before = oldestPosition(this.lines);
    if (this.whole || this.loadingOlder || before === undefined) return;
    this.loadingOlder = true;
    try {
      const page = await this.core.lines(this.id, before, pageSize);
      this.lines = mergeLines(this.lines, page);
      this.whole = page.length < pageSize;
    } catch {
      return;
    } finally {
      this.loadingOlder = false;
    }
  }

  /** The chat is opened with so many unread: from now on the "New" line stands. */
  open(unread: number): void {
    this.readUpTo = readUpTo(this.lines, unread);
  }

  has(line: Line): boolean {
    const id = keyOf(line);
    return this.lines.some((l) => keyOf(l) === id);
  }

  take(line: Line): void {
    this.lines = mergeLines(this.lines, [line]);
  }

  drop(id: string): void {
    this.lines = remove(this.lines, id);
  }

  newestOfOthers(): number | undefined {
    return newestOfOthers(this.lines);
  }

  /** The person goes elsewhere: what was new is not any more. */
  leave(): void {
    this.readUpTo = undefined;
  }
}
