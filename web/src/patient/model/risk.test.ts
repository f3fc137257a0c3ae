import { describe, expect, it } from "vitest";

import { atRisk } from "./risk.ts";

describe("words after which we ask", () => {
  it.each(["I want to die", "I can’t breathe!", "thinking about SUICIDE", "Quiero  morir.", "No puedo respirar", "me quiero hacer daño, hacerme daño", "أريد أن أموت", "أفكر في الانتحار", "وأريدُ أن أموت"])("are found in %s", (text) => {
    expect(atRisk(text)).toBe(true);
  });

  it.each(["My knee hurts", "I cut my finger on a can", "the diet is going well", "me duele la rodilla", "ركبتي تؤلمني", "a suicidology class", ""])("are not found in %s", (text) => {
    expect(atRisk(text)).toBe(false);
  });

  it("can be a practice's own", () => {
    expect(atRisk("the blue pills again")).toBe(false);
    expect(atRisk("the Blue Pills again", { en: ["blue pills"] })).toBe(true);
  });
});
