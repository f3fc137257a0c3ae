// Coming back from the practice's OpenID provider, to /staff/sso/SLUG.

import type { Account } from "./account.ts";
import { change } from "./preferences.svelte.ts";
import { Refused } from "./refused.ts";

const comesBack = /^\/staff\/sso\/([a-z0-9-]{2,63})$/;

/** Hands over what the provider sent, if it has sent anything, and says what was wrong with it. */
export async function arrive(account: Account): Promise<Refused | undefined> {
  const practice = comesBack.exec(location.pathname)?.[1];
  if (practice === undefined) return undefined;
  const answer = new URLSearchParams(location.search);
  // Neither the history nor a reload should have it.
  history.replaceState(null, "", "/staff/");
  try {
    const { session, page } = await account.finishSSO(practice, answer);
    change({ practice: session.practice, signedIn: true, locked: false });
    if (page === "admin") location.replace("/admin/");
    return undefined;
  } catch (error) {
    change({ practice });
    return error instanceof Refused ? error : new Refused("internal");
  }
}
