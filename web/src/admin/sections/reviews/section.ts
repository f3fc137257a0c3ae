import words from "virtual:catalogue/reviews";

import type english from "../../../../locales/admin/reviews.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    reviews: keyof typeof english;
  }
}

export const section: Section = {
  id: "reviews",
  order: 23,
  title: "admin.reviews.title",
  icon: "eye",
  key: "v",
  needs: ["person.review", "practice.inspect"],
  words,
  load: () => import("./Reviews.svelte"),
};
