import words from "virtual:catalogue/access";

import type english from "../../../../locales/admin/access.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    access: keyof typeof english;
  }
}

export const section: Section = {
  id: "access",
  order: 40,
  title: "admin.access.title",
  icon: "eye",
  key: "p",
  needs: ["patient.access"],
  words,
  load: () => import("./Access.svelte"),
};
