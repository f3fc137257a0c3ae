// Whether each device that holds a chat's keys is in the practice's log, with
// the key that it has in the group's own tree. The tree is the core's word, which
// checked it; the log is proved here; the hub is believed in neither (T03).

import type * as api from "../api/schema.ts";
import type { Leaf } from "../core/shared/protocol.ts";
import { keyOf, namedFrom, wholeLog } from "./devices.ts";
import type { Log } from "./log.svelte.ts";

/**
 * - checking: somebody looks. - proved: the log has it, with this key.
 * - unnamed: the log has it, from before it named keys.
 * - young: not there yet; it is looked for again.
 * - missing: not there, or with another key. - failed: it could not be looked at.
 */
export type Standing = "checking" | "proved" | "unnamed" | "young" | "missing" | "failed";

/** Of several devices the worst counts. */
const worst: readonly Standing[] = ["missing", "failed", "young", "checking", "unnamed", "proved"];

export interface Of {
  readonly devices: number;
  readonly standing: Standing;
}

/** How a page asks the core. What fails throws. */
export interface Asks {
  leaves(): Promise<readonly Leaf[]>;
  certificates(person: Leaf["person"], cursor: string): Promise<api.AuditPage>;
  pause(ms: number): Promise<void>;
}

const nameOf = ({ person, device, role, key }: Leaf): string => [person, device, role, key].join(" ");

// The log gives its numbers once a second.
const looks = 3;
const betweenMs = 1500;

export class Members {
  private readonly log: Log;
  private readonly asks: Asks;
  private readonly known: Set<string>;
  private found = $state.raw<ReadonlyMap<Leaf, Standing>>(new Map());
  /** Not even who holds the keys could be asked. */
  failed = $state(false);

  /** Known has what was proved before, by this very log: it is not asked for again. */
  constructor(log: Log, asks: Asks, known = new Set<string>()) {
    this.log = log;
    this.asks = asks;
    this.known = known;
  }

  /** Undefined until it is known who holds the keys, and for who holds none. */
  of(person: string): Of | undefined {
    const theirs = [...this.found].filter(([leaf]) => leaf.person === person).map(([, standing]) => standing);
    const standing = worst.find((each) => theirs.includes(each));
    return standing && { devices: theirs.length, standing };
  }

  /** The log does not begin with what this browser saw before. */
  get broken(): boolean {
    return this.log.broken;
  }

  /** Something that reads this chat is not as the log says, or the log itself was changed. */
  get alarm(): boolean {
    return this.log.broken || [...this.found.values()].includes("missing");
  }

  /** Whether something could not be looked at: it can be tried again. */
  get unchecked(): boolean {
    return this.failed || [...this.found.values()].includes("failed");
  }

  async check(): Promise<void> {
    this.failed = false;
    try {
      const all = await this.asks.leaves();
      let left: readonly Leaf[] = all.filter((leaf) => !this.known.has(nameOf(leaf)));
      this.found = new Map(all.map((leaf) => [leaf, left.includes(leaf) ? "checking" : "proved"]));
      for (let look = 1; left.length > 0; look++) {
        left = await this.look(left, look === looks);
        if (left.length > 0) left = await this.still(left);
      }
    } catch {
      this.failed = true;
    }
  }

  /** Those of them that hold the keys a while later: who has left meanwhile is no stranger. */
  private async still(leaves: readonly Leaf[]): Promise<readonly Leaf[]> {
    await this.asks.pause(betweenMs);
    const now = await this.asks.leaves();
    const gone = leaves.filter((leaf) => !now.some(({ device, key }) => device === leaf.device && key === leaf.key));
    this.found = new Map([...this.found].filter(([leaf]) => !gone.includes(leaf)));
    return leaves.filter((leaf) => !gone.includes(leaf));
  }

  /** Looks for each, and returns those that may yet come. */
  private async look(leaves: readonly Leaf[], last: boolean): Promise<readonly Leaf[]> {
    const byPerson = new Map<string, readonly api.AuditEvent[]>();
    for (const { person } of leaves) {
      if (byPerson.has(person)) continue;
      const events = await wholeLog((cursor) => this.asks.certificates(person, cursor)).catch(() => undefined);
      if (events) byPerson.set(person, events.filter((event) => event.kind === "certificate.issued" && event.outcome === "done" && event.subject === person));
    }
    const named = namedFrom([...byPerson.values()].flat());
    const later: Leaf[] = [];
    for (const leaf of leaves) {
      const standing = await this.standing(leaf, byPerson.get(leaf.person), named);
      if (standing === "young" && !last) later.push(leaf);
      if (standing === "proved") this.known.add(nameOf(leaf));
      this.found = new Map(this.found).set(leaf, standing === "young" && last ? "missing" : standing);
    }
    return later;
  }

  private async standing(leaf: Leaf, events: readonly api.AuditEvent[] | undefined, named: number): Promise<Standing> {
    if (!events) return "failed";
    const theirs = events.filter((event) => event.object === leaf.device);
    // A device has one key for all its life: a second one is somebody else's.
    if (theirs.some((event) => keyOf(event) && keyOf(event) !== leaf.key)) return "missing";
    const entry = theirs.find((event) => keyOf(event) ? event.detail === `role=${leaf.role},key=${leaf.key}` : event.number < named);
    if (!entry) return theirs.length > 0 ? "missing" : "young";
    switch (await this.log.check(entry)) {
      case "signed":
      case "proved":
        return keyOf(entry) ? "proved" : "unnamed";
      case "failed":
        return "failed";
      default:
        return "missing";
    }
  }
}
