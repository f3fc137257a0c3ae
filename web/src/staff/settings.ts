// What a person has set for this browser. It holds no fact about a patient, so
// it may lie in localStorage; where that is blocked it lasts as long as the page.

import { isRecord } from "../core/shared/wire.ts";

export interface Settings {
  /** BCP 47; empty follows the browser. */
  readonly language: string;
  readonly sound: boolean;
  readonly desktopNotices: boolean;
  readonly singleKeys: boolean;
  /** The slug typed at the last sign-in. */
  readonly practice: string;
  readonly detailsOpen: boolean;
  /** A session was opened here and not ended: it is worth asking the server for it. */
  readonly signedIn: boolean;
  /** The screen is locked; a reload does not open it. */
  readonly locked: boolean;
  /** Ids of grants of which a supervisor here said that they did agree. */
  readonly agreedGrants: readonly string[];
}

export const defaults: Settings = {
  language: "",
  sound: true,
  desktopNotices: false,
  singleKeys: true,
  practice: "",
  detailsOpen: true,
  signedIn: false,
  locked: false,
  agreedGrants: [],
};

interface Keeper {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const name = "sotto.console";

export function readSettings(keeper: Keeper | undefined): Settings {
  try {
    const value: unknown = JSON.parse(keeper?.getItem(name) ?? "{}");
    if (!isRecord(value)) return defaults;
    return {
      language: typeof value.language === "string" ? value.language : "",
      sound: flag(value.sound, defaults.sound),
      desktopNotices: flag(value.desktopNotices, defaults.desktopNotices),
      singleKeys: flag(value.singleKeys, defaults.singleKeys),
      practice: typeof value.practice === "string" ? value.practice.slice(0, 64) : "",
      detailsOpen: flag(value.detailsOpen, defaults.detailsOpen),
      signedIn: flag(value.signedIn, defaults.signedIn),
      locked: flag(value.locked, defaults.locked),
      agreedGrants: Array.isArray(value.agreedGrants) ? value.agreedGrants.filter((id) => typeof id === "string").slice(-100) : [],
    };
  } catch {
    return defaults;
  }
}

function flag(value: unknown, otherwise: boolean): boolean {
  return typeof value === "boolean" ? value : otherwise;
}

/** Keeps settings; a browser that forbids it loses them and nothing else. */
export function writeSettings(keeper: Keeper | undefined, settings: Settings): void {
  try {
    keeper?.setItem(name, JSON.stringify(settings));
  } catch {
    return;
  }
}
