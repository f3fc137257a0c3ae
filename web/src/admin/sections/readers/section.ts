import words from "virtual:catalogue/readers";

import type english from "../../../../locales/admin/readers.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    readers: keyof typeof english;
  }
}

export const section: Section = {
  id: "readers",
  order: 30,
  title: "admin.readers.title",
  icon: "lock",
  key: "w",
  // Whoever takes part in a chat may ask, and comes here from it.
  needs: ["policy.explain", "conversations.queues"],
  words,
  load: () => import("./Readers.svelte"),
};
