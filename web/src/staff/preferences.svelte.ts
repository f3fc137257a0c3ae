// The settings of this browser, followed by every screen.

import { readSettings, writeSettings, type Settings } from "./settings.ts";

function keeper(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined; // storage is blocked
  }
}

let current = $state.raw<Settings>(readSettings(keeper()));

export function settings(): Settings {
  return current;
}

export function change(part: Partial<Settings>): void {
  current = { ...current, ...part };
  writeSettings(keeper(), current);
}
