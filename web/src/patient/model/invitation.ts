// A one-time link to a chat: its token comes in the address's fragment, which no
// server sees, and works in the one browser that opens it first.

import type { Untrusted } from "../../api/untrusted.ts";
import type * as api from "../../api/schema.ts";

export interface Invitation {
  readonly token: string;
  /** This browser's secret for the link. */
  readonly holder: string;
  readonly queue: string;
}

/** Opens a link. Undefined: it does not work, or not any more. */
export async function openInvitation(practice: string, token: string, holder: string): Promise<Invitation | undefined> {
  const asked: api.OpenInvitation = { practice, token, holder };
  try {
    const response = await fetch("/v1/invitations/open", {
      method: "POST",
      credentials: "omit",
      cache: "no-store",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
    if (!response.ok) return undefined;
    const opened = (await response.json()) as Untrusted<api.OpenedInvitation>;
    return typeof opened.queue === "string" ? { token, holder, queue: opened.queue } : undefined;
  } catch {
    return undefined;
  }
}

/** The browser's secret for a link: kept for this tab, so that a reload does not lose it. */
export function holderOf(token: string): string {
  const key = `sotto.invitation.${token.slice(0, 8)}`;
  const fresh = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  try {
    const holder = sessionStorage.getItem(key) ?? fresh();
    sessionStorage.setItem(key, holder);
    return holder;
  } catch {
    return fresh();
  }
}
