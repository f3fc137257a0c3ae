// Parts of the chat that few need. Each is fetched, with its words, when
// somebody presses for it; on a person's own device the service worker has
// kept them all.

import copyWords from "virtual:catalogue/patient.copy";
import devicesWords from "virtual:catalogue/patient.devices";
import filesWords from "virtual:catalogue/patient.files";
import identityWords from "virtual:catalogue/patient.identity";
import laterWords from "virtual:catalogue/patient.later";
import membersWords from "virtual:catalogue/patient.members";
import menuWords from "virtual:catalogue/patient.menu";
import seenWords from "virtual:catalogue/patient.seen";

import { learn, type Catalogues } from "../ui/words.svelte.ts";

interface Part<T> {
  readonly words: Catalogues;
  load(): Promise<T>;
}

export const menu = { words: menuWords, load: () => import("./parts/MenuSheets.svelte") };
export const later = { words: laterWords, load: () => import("./parts/LaterSheets.svelte") };
export const identity = { words: identityWords, load: () => import("./parts/IdentitySheet.svelte") };
export const back = { words: identityWords, load: () => import("./parts/ReturnSheet.svelte") };
export const seen = { words: seenWords, load: () => import("./parts/SeenSheet.svelte") };
export const devices = { words: devicesWords, load: () => import("./parts/DevicesSheet.svelte") };
export const members = { words: membersWords, load: () => import("./parts/Logged.svelte") };
export const files = { words: filesWords, load: () => import("./files.svelte.ts") };
export const copy = { words: copyWords, load: () => import("./copy.ts") };

/** Throws if it cannot be had: the caller says so, and it can be asked for again. */
export async function fetched<T>(part: Part<T>): Promise<T> {
  const [loaded] = await Promise.all([part.load(), learn(part.words)]);
  return loaded;
}
