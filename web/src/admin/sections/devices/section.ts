import words from "virtual:catalogue/devices";
import proofWords from "virtual:catalogue/audit";

import type english from "../../../../locales/admin/devices.en.json";
import { learn } from "../../../ui/words.svelte.ts";
import type { Section } from "../../sections.ts";

declare module "../../../ui/words.svelte.ts" {
  interface AdminWords {
    devices: keyof typeof english;
  }
}

export const section: Section = {
  id: "devices",
  order: 95,
  title: "admin.devices.title",
  icon: "device",
  key: "d",
  needs: [], // each person has some
  words,
  // Its proofs are said in the words of the log.
  load: async () => (await Promise.all([import("./Devices.svelte"), learn(proofWords)]))[0],
};
