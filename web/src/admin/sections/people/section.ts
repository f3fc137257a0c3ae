import words from "virtual:catalogue/people";

import type english from "../../../../locales/admin/people.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    people: keyof typeof english;
  }
}

export const section: Section = {
  id: "people",
  order: 20,
  title: "admin.people.title",
  icon: "people",
  key: "u",
  needs: ["person.list"],
  words,
  load: () => import("./People.svelte"),
};
