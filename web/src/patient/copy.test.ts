import { beforeAll, expect, test } from "vitest";

import { member, message, noon, notice, nurse, nurseDana } from "../../test/fakeCore.ts";
import type { Member, PersonId } from "../core/shared/protocol.ts";
import { speak } from "../ui/words.svelte.ts";
import { copyOf } from "./copy.ts";
import type { View } from "./view.svelte.ts";

beforeAll(() => speak("patient", "en"));

const people = new Map<PersonId, Member>([member({ name: "Ana" }), { ...nurseDana, name: "<b>Dana</b>" }].map((each) => [each.person, each]));
const view = { language: "en", practiceName: "Oak & Co", now: noon, state: { people } } as unknown as View;

test("a copy holds what was said, as text and nothing else", () => {
  const copy = copyOf(view, [
    notice(1, { kind: "joined", person: nurse }),
    message(2, '<script>alert("1")</script> & more'),
    message(3, { kind: "file", file: { name: "knee.jpg", mediaType: "image/jpeg", size: 1 } }, { mine: false }),
    message(4, { kind: "recalled", at: noon }),
  ]);
  expect(copy).toContain("&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; &#38; more");
  expect(copy).not.toMatch(/<script|<b>Dana/);
  expect(copy).toContain("Chat with Oak &#38; Co");
  expect(copy).toContain("File: knee.jpg");
  expect(copy).toContain("Message taken back");
  // It loads nothing and runs nothing, wherever it is opened.
  expect(copy).toContain("default-src 'none'");
  expect(copy).not.toMatch(/\b(src|href)=/);
});
