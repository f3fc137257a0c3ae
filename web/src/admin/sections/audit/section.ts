import words from "virtual:catalogue/audit";

import type english from "../../../../locales/admin/audit.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    audit: keyof typeof english;
  }
}

export const section: Section = {
  id: "audit",
  order: 60,
  title: "admin.audit.title",
  icon: "archive",
  key: "a",
  needs: ["audit.read"],
  words,
  load: () => import("./Audit.svelte"),
};
