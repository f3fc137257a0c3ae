// The sections of the administrators' page. Each is a folder in sections/ with
// a section.ts, whose words are locales/admin/<id>.<language>.json: nothing
// else has to know of it. CONTRIBUTING.md says how to add one.

import type { Component } from "svelte";

import type { IconName } from "../ui/icons.ts";
import type { Catalogues, WordKey } from "../ui/words.svelte.ts";
import type { Admin } from "./admin.svelte.ts";

/** What the screen of a section is given. */
export interface SectionProps {
  readonly admin: Admin;
  /** What stands in the address after the section: #/people/p_1 gives ["p_1"]. */
  readonly path: readonly string[];
  /** What follows the ? there, for filters: see go() in router.svelte.ts. */
  readonly query: URLSearchParams;
}

export interface Section {
  /** In the address; the name of its catalogue. */
  readonly id: string;
  /** Its place in the navigation. */
  readonly order: number;
  /** admin.<id>.title, which is loaded with the shell. */
  readonly title: WordKey;
  readonly icon: IconName;
  /** G and this letter go there. */
  readonly key: string;
  /** Actions of policy (docs/policy.md) of which a person needs one; none means all see it. */
  readonly needs: readonly string[];
  /** virtual:catalogue/<id>. */
  readonly words: Catalogues;
  readonly load: () => Promise<{ default: Component<SectionProps> }>;
}

const found = import.meta.glob<Section>("./sections/*/section.ts", { eager: true, import: "section" });

export const sections: readonly Section[] = Object.values(found).sort((a, b) => a.order - b.order);

/** Those that a person who may do so much is shown. */
export function sectionsFor(may: readonly string[]): readonly Section[] {
  return sections.filter((section) => section.needs.length === 0 || section.needs.some((action) => may.includes(action)));
}
