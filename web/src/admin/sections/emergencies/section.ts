import words from "virtual:catalogue/emergencies";

import type english from "../../../../locales/admin/emergencies.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    emergencies: keyof typeof english;
  }
}

export const section: Section = {
  id: "emergencies",
  order: 10,
  title: "admin.emergencies.title",
  icon: "alert",
  key: "e",
  needs: ["emergency.review"],
  words,
  load: () => import("./Emergencies.svelte"),
};
