// Something that a screen shows once the server has given it.

import { Refused } from "../../staff/refused.ts";

export class Loaded<T> {
  value = $state.raw<T>();
  problem = $state.raw<Refused>();
  busy = $state(false);
  private readonly ask: () => Promise<T>;

  constructor(ask: () => Promise<T>) {
    this.ask = ask;
    void this.load();
  }

  /** Asks, or asks again: what is there stays until there is something newer. */
  async load(): Promise<void> {
    this.busy = true;
    try {
      this.value = await this.ask();
      this.problem = undefined;
    } catch (error) {
      this.problem = error instanceof Refused ? error : new Refused("internal");
    }
    this.busy = false;
  }
}
