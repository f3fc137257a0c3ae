import type { ConversationId, Core } from "../../core/shared/protocol.ts";

/** How far the person has read, and whether the core knows. */
export class Reading {
  private of: ConversationId | undefined;
  private at = 0;
  private unsaid: [ConversationId, number] | undefined;

  /** The newest position that was seen; 0 if none was. */
  get position(): number {
    return this.at;
  }

  /** Said once for each position, unless it could not be: then at the next look, too. */
  see(core: Core | undefined, id: ConversationId, position: number): void {
    if (id === this.of && position <= this.at) return;
    this.of = id;
    this.at = position;
    void core?.markRead(id, position).catch(() => {
      this.unsaid = [id, position];
      if (id === this.of) this.of = undefined;
    });
  }

  /** The line is back: what was seen meanwhile is said. */
  again(core: Core | undefined): void {
    const unsaid = this.unsaid;
    if (unsaid) void core?.markRead(...unsaid).then(() => this.unsaid === unsaid && (this.unsaid = undefined), () => undefined);
  }

  /** Another chat begins. */
  clear(): void {
    this.of = undefined;
    this.at = 0;
  }
}
