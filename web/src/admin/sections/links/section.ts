import words from "virtual:catalogue/links";

import type english from "../../../../locales/admin/links.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    links: keyof typeof english;
  }
}

export const section: Section = {
  id: "links",
  order: 24,
  title: "admin.links.title",
  icon: "person",
  key: "l",
  needs: ["patient.unite"],
  words,
  load: () => import("./Links.svelte"),
};
