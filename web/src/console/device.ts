import { hashOf } from "../auditlog/devices.ts";
import type { DeviceInfo } from "../staff/account.ts";

/**
 * What a browser is called in its owner's list of devices: "Chrome on Windows".
 * Brands are not translated.
 */
export function deviceName(userAgent: string): string {
  const browser = /Edg\//.test(userAgent)
    ? "Edge"
    : /Firefox\//.test(userAgent)
      ? "Firefox"
      : /Chrome\//.test(userAgent)
        ? "Chrome"
        : /Safari\//.test(userAgent)
          ? "Safari"
          : "Browser";
  const system = /Android/.test(userAgent)
    ? "Android"
    : /iPhone|iPad/.test(userAgent)
      ? "iOS"
      : /Mac OS X/.test(userAgent)
        ? "macOS"
        : /Windows/.test(userAgent)
          ? "Windows"
          : /CrOS/.test(userAgent)
            ? "ChromeOS"
            : /Linux/.test(userAgent)
              ? "Linux"
              : "";
  return system === "" ? browser : `${browser} on ${system}`;
}

/**
 * Whether the server will never take this browser's key again, though its person
 * is signed in: it ended the device's access before this session began, or does
 * not know the device as theirs. In the session in which somebody removed it, it
 * stays removed until they sign in again.
 */
export async function isOver(key: Uint8Array, devices: readonly Pick<DeviceInfo, "key" | "current" | "revoked_at">[]): Promise<boolean> {
  const hash = await hashOf(key);
  const own = devices.filter((device) => !device.key || device.key === hash); // one has none until it is certified
  return !own.some((device) => device.current || !device.revoked_at);
}

const anewMark = "sotto/anew";

/** Notes that this tab's browser is being made a new device. False if it is noted already: it was no use. */
export function beginAnew(): boolean {
  try {
    if (sessionStorage.getItem(anewMark)) return false;
    sessionStorage.setItem(anewMark, "yes");
    return true;
  } catch {
    return false;
  }
}

/** Whether it was, said once. */
export function madeAnew(): boolean {
  try {
    const made = sessionStorage.getItem(anewMark) !== null;
    sessionStorage.removeItem(anewMark);
    return made;
  } catch {
    return false;
  }
}
