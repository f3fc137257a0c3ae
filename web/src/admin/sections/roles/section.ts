import words from "virtual:catalogue/roles";

import type english from "../../../../locales/admin/roles.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    roles: keyof typeof english;
  }
}

export const section: Section = {
  id: "roles",
  order: 25,
  title: "admin.roles.title",
  icon: "verified",
  key: "r",
  needs: ["practice.inspect"],
  words,
  load: () => import("./Roles.svelte"),
};
