import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { contrast, fit, mix, softPart, themes } from "./brand.ts";

const hex = (r: number, g: number, b: number): string => `#${[r, g, b].map((c) => c.toString(16).padStart(2, "0")).join("")}`;

test("contrast is WCAG's", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 1);
});

test("every colour of a practice passes in both themes, as text and under text", () => {
  const steps = [0, 36, 73, 109, 146, 182, 219, 255];
  for (const r of steps)
    for (const g of steps)
      for (const b of steps)
        for (const theme of ["light", "dark"] as const) {
          const fitted = fit(hex(r, g, b), theme);
          if (!fitted) throw new Error("not fitted");
          const { grounds, surfaces, on } = themes[theme];
          const worst = Math.min(contrast(fitted, on), ...grounds.map((ground) => contrast(fitted, ground)), ...surfaces.map((surface) => contrast(fitted, mix(fitted, softPart, surface))));
          if (worst < 4.5) throw new Error(`${hex(r, g, b)} became ${fitted}: ${worst.toFixed(2)} in ${theme}`);
        }
});

test("what shows the focus and the edges of fields is seen on every ground (WCAG 1.4.11)", () => {
  const tokens = readFileSync(new URL("style/tokens.css", import.meta.url), "utf8");
  for (const name of ["focus", "line-strong"]) {
    const [, light = "", dark = ""] = new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\);`).exec(tokens) ?? [];
    for (const [theme, colour] of Object.entries({ light, dark }) as ["light" | "dark", string][])
      for (const ground of [...themes[theme].grounds, ...themes[theme].surfaces]) expect(contrast(colour, ground), `${name} on ${ground}`).toBeGreaterThanOrEqual(3);
  }
});

test("a colour that passes already is not touched, and no other text is taken for one", () => {
  expect(fit("#0b5257", "light")).toBe("#0b5257");
  for (const wrong of ["", "red", "#fff", "#12345g", "url(x)", "#0b6b6f;x"]) expect(fit(wrong, "light")).toBeUndefined();
});
