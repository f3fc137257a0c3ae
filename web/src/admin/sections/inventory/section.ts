import words from "virtual:catalogue/inventory";

import type english from "../../../../locales/admin/inventory.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    inventory: keyof typeof english;
  }
}

export const section: Section = {
  id: "inventory",
  order: 90,
  title: "admin.inventory.title",
  icon: "device",
  key: "s",
  needs: ["practice.inspect"],
  words,
  load: () => import("./Inventory.svelte"),
};
