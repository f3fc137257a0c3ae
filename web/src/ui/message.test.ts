import { compileMessage } from "@lingui/message-utils/compileMessage";
import { expect, test } from "vitest";

import { inWords, type Compiled, type Value } from "./message.ts";

const says = (message: string, values: Record<string, Value> = {}, language = "en"): string => inWords(compileMessage(message) as Compiled, language, values);

test.each([
  ["Plain", {}, "en", "Plain"],
  ["It's {name}'s", { name: "Kim" }, "en", "It's Kim's"],
  ["{count, plural, one {# new} other {# new ones}}", { count: 1 }, "en", "1 new"],
  ["{count, plural, one {# new} other {# new ones}}", { count: 1200 }, "en", "1,200 new ones"],
  ["{count, plural, =0 {none} one {{name}: #} other {{name}: #!}}", { count: 0, name: "A" }, "en", "none"],
  ["{count, plural, =0 {none} one {{name}: #} other {{name}: #!}}", { count: 7, name: "A" }, "en", "A: 7!"],
  ["{count, plural, one {واحد} two {اثنان} few {# قليل} many {# كثير} other {#}}", { count: 2 }, "ar", "اثنان"],
  ["{count, plural, one {واحد} two {اثنان} few {# قليل} many {# كثير} other {#}}", { count: 5 }, "ar", "5 قليل"],
  ["At least {n, number}", { n: 1200 }, "en", "At least 1,200"],
  ["Room #{n}", { n: 5 }, "en", "Room #5"],
  ["{absent}!", {}, "en", "!"],
] as const)("%s with %j in %s says %s", (message, values, language, words) => {
  // Which digits a language is written with is the browser's to know.
  const western = says(message, values, language).replace(/[٠-٩]/g, (digit) => String(digit.charCodeAt(0) - 0x660));
  expect(western).toBe(words);
});
