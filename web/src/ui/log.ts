// How a conversation's log is laid out: pure, so that tests need no page.

import type { ConversationId, Line, Message, NoticeLine, PersonId } from "../core/shared/protocol.ts";

export type Row =
  | { type: "day"; key: string; at: number }
  | { type: "new"; key: string }
  | { type: "notice"; key: string; line: NoticeLine }
  /** Several people joined, one after the other. */
  | { type: "joins"; key: string; people: readonly PersonId[]; at: number }
  /** First and last of a run by one sender, within three minutes of each other. */
  | { type: "message"; key: string; message: Message; first: boolean; last: boolean };

const groupMs = 3 * 60_000;

export function keyOf(line: Line): string {
  return line.type === "message" ? line.message.id : line.line.id;
}

export function positionOf(line: Line): number | undefined {
  return line.type === "message" ? line.message.position : line.line.position;
}

export function timeOf(line: Line): number {
  return line.type === "message" ? line.message.at : line.line.at;
}

export function conversationOf(line: Line): ConversationId {
  return line.type === "message" ? line.message.conversation : line.line.conversation;
}

/** What has a position stands by it; what has none yet comes last, as typed. */
export function compareLines(a: Line, b: Line): number {
  const [pa, pb] = [positionOf(a) ?? Infinity, positionOf(b) ?? Infinity];
  if (pa !== pb) return pa < pb ? -1 : 1;
  return timeOf(a) - timeOf(b);
}

/** Puts lines in, each in the place of its former self. Gives a new list. */
export function mergeLines(lines: readonly Line[], more: readonly Line[]): readonly Line[] {
  if (more.length === 0) return lines;
  const byKey = new Map(lines.map((line) => [keyOf(line), line]));
  for (const line of more) byKey.set(keyOf(line), line);
  return [...byKey.values()].sort(compareLines);
}

export interface ArrangeOptions {
  /** Position up to which all was read when the log was opened; the divider follows it. */
  readonly readUpTo?: number | undefined;
}

export function arrange(lines: readonly Line[], { readUpTo }: ArrangeOptions = {}): readonly Row[] {
  const rows: Row[] = [];
  let lastDay = "";
  let divided = readUpTo === undefined;
  let before: Message | undefined;

  const isDivider = (line: Line): boolean =>
    !divided && line.type === "message" && !line.message.mine && (line.message.position ?? Infinity) > (readUpTo ?? 0);

  for (const line of lines) {
    const day = new Date(timeOf(line)).toDateString();
    if (day !== lastDay) {
      rows.push({ type: "day", key: `day ${day} ${keyOf(line)}`, at: timeOf(line) });
      lastDay = day;
      before = undefined;
    }
    if (isDivider(line)) {
      rows.push({ type: "new", key: "new" });
      divided = true;
      before = undefined;
    }
    if (line.type === "notice") {
      before = undefined;
      addNotice(rows, line.line);
      continue;
    }
    const message = line.message;
    const follows = before !== undefined && before.from === message.from && message.at - before.at < groupMs;
    const previous = rows[rows.length - 1];
    if (follows && previous?.type === "message") rows[rows.length - 1] = { ...previous, last: false };
    rows.push({ type: "message", key: message.id, message, first: !follows, last: true });
    before = message;
  }
  return rows;
}

function same(a: Row, b: Row): boolean {
  if (a.type === "message") return b.type === "message" && a.message === b.message && a.first === b.first && a.last === b.last;
  if (a.type === "notice") return b.type === "notice" && a.line === b.line;
  if (a.type === "joins") return b.type === "joins" && a.at === b.at && a.people.length === b.people.length;
  return a.type === b.type;
}

/**
 * Arranges a log again and again: what has not changed is the very row of
 * before, which the page then leaves alone.
 */
export function arranger(): typeof arrange {
  let before: ReadonlyMap<string, Row> = new Map();
  return (lines, options) => {
    const rows = arrange(lines, options).map((row) => {
      const was = before.get(row.key);
      return was && same(was, row) ? was : row;
    });
    before = new Map(rows.map((row) => [row.key, row]));
    return rows;
  };
}

function addNotice(rows: Row[], line: NoticeLine): void {
  const previous = rows[rows.length - 1];
  if (line.notice.kind === "joined") {
    const { person } = line.notice;
    if (previous?.type === "notice" && previous.line.notice.kind === "joined") {
      const people = [...new Set([previous.line.notice.person, person])];
      if (people.length > 1) rows[rows.length - 1] = { type: "joins", key: previous.key, people, at: line.at };
      return;
    }
    if (previous?.type === "joins") {
      rows[rows.length - 1] = { ...previous, people: [...new Set([...previous.people, person])], at: line.at };
      return;
    }
  }
  rows.push({ type: "notice", key: line.id, line });
}
