import words from "virtual:catalogue/requests";

import type english from "../../../../locales/admin/requests.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    requests: keyof typeof english;
  }
}

export const section: Section = {
  id: "requests",
  order: 22,
  title: "admin.requests.title",
  icon: "checks",
  key: "q",
  needs: ["person.list"],
  words,
  load: () => import("./Requests.svelte"),
};
