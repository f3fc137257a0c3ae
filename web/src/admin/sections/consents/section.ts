import words from "virtual:catalogue/consents";

import type english from "../../../../locales/admin/consents.en.json";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    consents: keyof typeof english;
  }
}

export const section: Section = {
  id: "consents",
  order: 35,
  title: "admin.consents.title",
  icon: "file",
  key: "f",
  needs: ["consent.forms"],
  words,
  load: () => import("./Consents.svelte"),
};
