// What it takes to open a locked screen. This is the one place that says so: if
// a second factor is asked for one day, it is asked for here.

import type { Account, StaffSession } from "./account.ts";

/** Resolves if it is the person themselves; rejects with Refused as signing in does. */
export async function unlock(account: Account, session: StaffSession, password: string): Promise<void> {
  await account.signIn(session.practice, session.login, password);
}
