import words from "virtual:catalogue/controls";

import type english from "../../../../locales/admin/controls.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    controls: keyof typeof english;
  }
}

export const section: Section = {
  id: "controls",
  order: 70,
  title: "admin.controls.title",
  icon: "shield",
  key: "c",
  needs: ["practice.inspect"],
  words,
  load: () => import("./Controls.svelte"),
};
