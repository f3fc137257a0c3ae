import words from "virtual:catalogue/alerts";

import type english from "../../../../locales/admin/alerts.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    alerts: keyof typeof english;
  }
}

export const section: Section = {
  id: "alerts",
  order: 11,
  title: "admin.alerts.title",
  icon: "bell",
  key: "b",
  needs: ["audit.read"],
  words,
  load: () => import("./Alerts.svelte"),
};
