import { beforeAll, expect, test } from "vitest";

import { member, message, noon, notice, nurse, nurseDana } from "../../test/fakeCore.ts";
import type { Member, PersonId } from "../core/shared/protocol.ts";
import { learn, speak } from "../ui/words.svelte.ts";
import { copyOf } from "./copy.ts";
import { copy } from "./fetched.ts";
import type { View } from "./view.svelte.ts";

beforeAll(async () => {
  await speak("patient", "en");
  await learn(copy.words);
});

const people = new Map<PersonId, Member>([member({ name: "Ana" }), { ...nurseDana, name: "<b>Dana</b>" }].map((each) => [each.person, each]));
const view = { language: "en", practiceName: "Oak & Co", now: noon, state: { people } } as unknown as View;

test("a copy holds what was said, as text and nothing else", () => {
  const page = copyOf(view, [
    notice(1, { kind: "joined", person: nurse }),
    message(2, '<script>alert("1")</script> & more'),
    message(3, { kind: "file", file: { name: "knee.jpg", mediaType: "image/jpeg", size: 1 } }, { mine: false }),
    message(4, { kind: "recalled", at: noon }),
  ]);
  expect(page).toContain("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; more");
  expect(page).not.toMatch(/<script|<b>Dana/);
  expect(page).toContain("Chat with Oak &#38; Co");
  expect(page).toContain("File: knee.jpg");
  expect(page).toContain("Message taken back");
  // It loads nothing and runs nothing, wherever it is opened.
  expect(page).toContain("default-src 'none'");
  expect(page).not.toMatch(/\b(src|href)=/);
});
