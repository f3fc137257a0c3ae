// How a patient shows who they are: what the hub says of it, read as outside data.

import type { Level, Verification } from "../../core/shared/protocol.ts";

const order: readonly Level[] = ["guest", "contact", "matched", "signed-in"];

export const facts = ["pin", "phone", "email", "postcode", "record"] as const;
export type FactKind = (typeof facts)[number];
export type Channel = "email" | "sms";

export function reaches(have: Level | undefined, needed: Level): boolean {
  return order.indexOf(have ?? "guest") >= order.indexOf(needed);
}

/** How one stands now: a level that lapsed while the page was open does not count. */
export function standing(of: Verification | undefined, now: number): Level {
  return !of || (of.until !== undefined && of.until <= now) ? "guest" : of.level;
}

export interface Own {
  readonly level: Level;
  readonly until: number;
  readonly lapsed: boolean;
  readonly spent: boolean;
  readonly asked: boolean;
  readonly channels: readonly Channel[];
  readonly kinds: readonly FactKind[];
  /** One's id, which a new passkey signs. */
  readonly person: string;
  readonly passkeys: readonly OwnPasskey[];
  /** What the practice calls the place where patients sign in; empty if there is none. */
  readonly portal: string;
  /** Signed in there with an account of which staff have yet to say whose it is. */
  readonly waits: boolean;
}

export interface OwnPasskey {
  readonly id: string;
  readonly name: string;
  readonly created: number;
}

const record = (value: unknown): Record<string, unknown> => (typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export function readOwn(answer: unknown): Own {
  const from = record(answer);
  const v = record(from.verification);
  const steps = record(from.steps);
  return {
    level: order.find((level) => level === v.level) ?? "guest",
    until: typeof v.until === "number" ? v.until : 0,
    lapsed: from.lapsed === true,
    spent: from.tries_spent === true,
    asked: typeof from.asked_at === "number" && from.asked_at > 0,
    channels: (["email", "sms"] as const).filter((c) => list(steps.channels).includes(c)),
    kinds: facts.filter((kind) => (kind === "pin" ? steps.pin === true : list(steps.facts).includes(kind))),
    person: typeof from.person === "string" ? from.person : "",
    portal: typeof steps.portal === "string" ? steps.portal : "",
    waits: typeof from.portal_waits === "number" && from.portal_waits > 0,
    passkeys: list(from.passkeys).flatMap((each) => {
      const { id, name, created_at: created } = record(each);
      return typeof id === "string" && typeof name === "string" ? [{ id, name, created: typeof created === "number" ? created : 0 }] : [];
    }),
  };
}

/** True if there is anything that the patient can do. */
export function canAct(own: Own): boolean {
  return own.channels.length > 0 || own.kinds.length > 0 || own.passkeys.length > 0 || own.portal !== "";
}
