import words from "virtual:catalogue/protections";

import type english from "../../../../locales/admin/protections.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    protections: keyof typeof english;
  }
}

export const section: Section = {
  id: "protections",
  order: 65,
  title: "admin.protections.title",
  icon: "settings",
  key: "t",
  needs: ["practice.inspect"],
  words,
  load: () => import("./Protections.svelte"),
};
