// What the screen of the inventory says, and how its picture is laid out.

import type * as api from "../../../api/schema.ts";
import { t, type WordKey } from "../../../ui/words.svelte.ts";

const zones: Record<string, WordKey> = {
  patients: "admin.inventory.patients",
  staff: "admin.inventory.staff",
  hub: "admin.inventory.hub",
  keeper: "admin.inventory.keeper",
  elsewhere: "admin.inventory.elsewhere",
};
const kinds: Record<string, WordKey> = {
  program: "admin.inventory.program",
  data: "admin.inventory.data",
  key: "admin.inventory.key",
  people: "admin.inventory.people",
  device: "admin.inventory.device",
  link: "admin.inventory.link",
};
const weights: Record<string, WordKey> = { high: "admin.inventory.high", medium: "admin.inventory.medium", low: "admin.inventory.low" };

export const zoneName = (zone: string): string => t(zones[zone] ?? "admin.inventory.elsewhere");
export const kindName = (kind: string): string => t(kinds[kind] ?? "admin.inventory.data");
export const weightName = (weight: string): string => t(weights[weight] ?? "admin.inventory.medium");

export const column = 210;
export const box = { width: 180, height: 46, gap: 18, top: 40 };

export interface Placed {
  readonly asset: api.Asset;
  readonly x: number;
  readonly y: number;
}

/** A column for each zone, a place for each asset but keys, which go nowhere. */
export function layOut(all: api.Inventory): { readonly zones: readonly string[]; readonly placed: readonly Placed[]; readonly height: number } {
  const drawn = all.assets.filter((asset) => asset.kind !== "key");
  const used = Object.keys(zones).filter((zone) => drawn.some((asset) => asset.zone === zone));
  const placed = used.flatMap((zone, x) =>
    drawn.filter((asset) => asset.zone === zone).map((asset, y) => ({ asset, x: x * column + 14, y: box.top + y * (box.height + box.gap) })),
  );
  return { zones: used, placed, height: Math.max(0, ...placed.map((each) => each.y)) + box.height + 16 };
}

/** The curve of a flow between two places. */
export function curve(from: Placed, to: Placed): string {
  const same = from.x === to.x;
  const x1 = to.x < from.x ? from.x : from.x + box.width;
  const x2 = to.x > from.x ? to.x : to.x + box.width;
  const [y1, y2] = [from.y + box.height / 2, to.y + box.height / 2];
  const bend = same ? x1 + 16 : (x1 + x2) / 2;
  return `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`;
}

/** A name that fits its box; all of it stands in the list. */
export function shorten(text: string, most: number): string {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}
