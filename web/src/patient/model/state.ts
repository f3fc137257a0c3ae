// What a visit holds, and what it tells of.

import type { Connection, Conversation, Failure, Keeping, Line, Member, Message, PersonId } from "../../core/shared/protocol.ts";
import type { Screen } from "./flow.ts";
import type { Invitation } from "./invitation.ts";
import type { ConsentForm, Practice } from "./practice.ts";

export interface State {
  readonly screen: Screen;
  readonly practice: Practice | undefined;
  /** A form that stands before the chosen reason, besides the practice's own. */
  readonly asking: ConsentForm | undefined;
  /** The core is being started, since then. */
  readonly startingSince: number | undefined;
  readonly started: boolean;
  readonly keeping: Keeping | undefined;
  readonly connection: Connection;
  readonly offlineSince: number | undefined;
  readonly conversation: Conversation | undefined;
  readonly lines: readonly Line[];
  readonly older: boolean;
  /** All up to here was read before; the divider follows it. */
  readonly readUpTo: number | undefined;
  /** Why the chat could not be opened. */
  readonly openFailure: Failure | undefined;
  /** Everybody who was ever seen in the chat, for the names of old lines. */
  readonly people: ReadonlyMap<PersonId, Member>;
  /** Another device writes as the person, and this one has not shown it yet. */
  readonly newDevice: boolean;
  /** Nobody touched it for a while: what it holds is off the screen. */
  readonly locked: boolean;
  /** The chat was asked for by a one-time link; "over" if that does not work. */
  readonly invitation: Invitation | "over" | undefined;
  /** The person wrote something after which we ask whether they are safe. */
  readonly atRisk: boolean;
  /** What was sent to a chat that never was is the draft of this one. */
  readonly givenBack: boolean;
}

/** Something that happened and that a person may want to hear of. */
export type Signal =
  | { kind: "message"; message: Message }
  | { kind: "joined"; person: PersonId }
  | { kind: "left"; person: PersonId }
  | { kind: "place"; place: number }
  | { kind: "ended" }
  | { kind: "not-sent" }
  /** The core has it; `instead` of what is in the field. */
  | { kind: "draft"; text: string; instead: boolean }
  | { kind: "verification"; asked: boolean };

export interface AboutMe {
  readonly name: string;
  readonly queue: string;
  /** Shared devices keep nothing. Undefined if it was not asked. */
  readonly ownDevice: boolean | undefined;
  /** They write for somebody else: for their child, or for whom they care, of an age that they say. */
  readonly writesFor?: { readonly kind: "parent" } | { readonly kind: "carer"; readonly age: "minor" | "adult" };
}

/** How a visit begins. */
export function beginning(): State {
  return {
    screen: { at: "loading" },
    practice: undefined,
    asking: undefined,
    startingSince: undefined,
    started: false,
    keeping: undefined,
    connection: "connecting",
    offlineSince: undefined,
    conversation: undefined,
    lines: [],
    older: false,
    readUpTo: undefined,
    openFailure: undefined,
    people: new Map(),
    newDevice: false,
    locked: false,
    atRisk: false,
    givenBack: false,
    invitation: undefined,
  };
}
