// The stores of staff in this browser: one for each person, and what older
// versions kept under a practice's name alone, which nobody opens any more.

import { browserStore } from "../auditlog/log.svelte.ts";
import type { PersonId } from "../core/shared/protocol.ts";
import { deleteStore, placeOf } from "../core/worker/store.ts";

type List = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const listKey = "sotto.stores";
const prefix = placeOf({ surface: "staff", practice: "" }).join("-"); // "sotto-staff-"

/** Where what somebody keeps of the explorer of the audit log is. */
export const explorerStore = (practice: string, person: string): string => [...placeOf({ surface: "staff", practice, person: person as PersonId }), "explorer"].join("-");

// Views of the audit log lay open to whoever uses this browser, by older versions.
function dropPlain(): void {
  const store = browserStore();
  for (const key of Object.keys(store ?? {})) if (key.startsWith("sotto.explorer.")) store?.removeItem(key);
}

/** Remembers that somebody of the staff keeps chats here: some browsers do not tell which stores there are. */
export function noteStore(practice: string, person: string, list: List | undefined = browserStore()): void {
  dropPlain();
  const [old, own] = [placeOf({ surface: "staff", practice }), placeOf({ surface: "staff", practice, person: person as PersonId })];
  try {
    list?.setItem(listKey, JSON.stringify([...new Set([...noted(list), old.join("-"), own.join("-"), explorerStore(practice, person)])]));
  } catch {
    return; // it keeps nothing, or is full
  }
}

function noted(list: List): readonly string[] {
  try {
    const found: unknown = JSON.parse(list.getItem(listKey) ?? "[]");
    return Array.isArray(found) ? found.filter((name) => typeof name === "string" && name.startsWith(prefix)) : [];
  } catch {
    return [];
  }
}

/**
 * Deletes every one, whoever's it is. Returns how many stay: those that a tab
 * holds open that does not let go, which the browser deletes once it is closed.
 */
export async function deleteStores(
  list: List | undefined = browserStore(),
  known: () => Promise<readonly { name?: string }[]> | undefined = () => indexedDB.databases?.(),
  remove: (name: string) => Promise<void> = deleteStore,
): Promise<number> {
  dropPlain();
  const there = (await known()?.catch(() => [])) ?? [];
  const names = [...there.flatMap(({ name }) => (name?.startsWith(prefix) ? [name] : [])), ...(list ? noted(list) : [])];
  const gone = await Promise.all([...new Set(names)].map((name) => remove(name).then(() => true, () => false)));
  const stay = gone.filter((each) => !each).length;
  if (stay === 0) list?.removeItem(listKey);
  return stay;
}
