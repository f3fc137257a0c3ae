// What every section works with: who is signed in, what they may do, and the
// API. What needs both factors anew asks for them and is done then.

import type { Account, Practice, Proof, StaffSession } from "../staff/account.ts";
import { Refused } from "../staff/refused.ts";

export class Admin {
  readonly account: Account;
  session = $state.raw<StaffSession>() as StaffSession;
  practice = $state.raw<Practice>();
  /** Asked for both factors; the page shows the question. */
  asked = $state.raw<{ readonly answer: (proof: Proof | undefined) => void }>();

  constructor(account: Account, session: StaffSession, practice: Practice | undefined) {
    this.account = account;
    this.session = session;
    this.practice = practice;
  }

  /** Whether the person may do an action of policy somewhere in the practice. */
  may(action: string): boolean {
    return this.session.may.includes(action);
  }

  /** Looks again how much waits for this person: emergency accesses to review, requests to answer, access to confirm. */
  async lookForWork(): Promise<void> {
    const found = await this.account.session().catch(() => undefined);
    if (found) this.told(found);
  }

  /** The server has said what waits for this person. */
  told({ locked, emergencies, alerts, approvals, reviews, new_devices, new_sign_ins }: StaffSession): void {
    if (!locked) this.session = { ...this.session, emergencies, alerts, approvals, reviews, new_devices, new_sign_ins };
  }

  get me(): string {
    return this.session.person.id;
  }

  get<T>(path: string): Promise<T> {
    return this.account.server.call("GET", path) as Promise<T>;
  }

  /**
   * Calls the API to change something. If both factors must be shown first, the
   * person is asked for them; who does not want to gets Refused("cancelled").
   */
  async send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
    for (;;) {
      try {
        const { server } = this.account;
        return (await (method === "POST" ? server.make(path, body) : server.call(method, path, body))) as T;
      } catch (error) {
        if (!(error instanceof Refused) || error.refusal !== "step-up-needed") throw error;
      }
      const proof = await new Promise<Proof | undefined>((answer) => (this.asked = { answer }));
      if (!proof) throw new Refused("cancelled");
    }
  }

  /** Shows both factors, for {@link send}. */
  async prove(proof: Proof): Promise<void> {
    this.session = await this.account.stepUp(this.session, proof);
    this.answer(proof);
  }

  /** The person does not want to. */
  refuse(): void {
    this.answer(undefined);
  }

  private answer(proof: Proof | undefined): void {
    const { asked } = this;
    this.asked = undefined;
    asked?.answer(proof);
  }
}
