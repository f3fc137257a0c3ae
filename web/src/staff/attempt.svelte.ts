// One thing asked of the server by a screen, and what went wrong with it.

import { announce } from "../ui/announce.svelte.ts";
import { t, type WordKey } from "../ui/words.svelte.ts";
import { Refused, type Refusal } from "./account.ts";
import { refusalWords } from "./refusals.ts";

export class Attempt {
  busy = $state(false);
  /** What to show, already said aloud. */
  problem = $state<string>();

  private readonly own: Partial<Record<Refusal, WordKey>>;
  private readonly look: () => unknown;

  /**
   * A screen's own words for some refusals; the others have the usual ones. What
   * was made already is looked for, so that the screen shows it.
   */
  constructor(own: Partial<Record<Refusal, WordKey>> = {}, look: () => unknown = () => undefined) {
    this.own = own;
    this.look = look;
  }

  /** Does the work, unless some is under way. What the person cancelled is no problem. */
  async make(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.problem = undefined;
    try {
      await work();
    } catch (error) {
      const { refusal, retryAfter } = error instanceof Refused ? error : new Refused("internal");
      if (refusal !== "cancelled") {
        this.problem = t(this.own[refusal] ?? refusalWords(refusal), { seconds: retryAfter });
        announce(this.problem, "assertive");
      }
      if (refusal === "made-already") await this.look();
    }
    this.busy = false;
  }
}
