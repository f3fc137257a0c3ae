// What the patient's first screen draws comes with it: an icon that is added
// later would be an empty place.

import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

const later = new URL("../src/ui/laterIcons.ts", import.meta.url);
const names = [...readFileSync(later, "utf8").matchAll(/^ {2}"?([a-z-]+)"?: \[/gm)].map(([, name]) => String(name));

/** A module's file and all that it brings at once, which leaves out what it fetches later and types. */
function brought(file: URL, found = new Map<string, string>()): Map<string, string> {
  if (found.has(file.pathname)) return found;
  const source = readFileSync(file, "utf8");
  found.set(file.pathname, source);
  for (const [, path] of source.matchAll(/^\s*(?:import|export) (?!type )(?:[^;"]* from )?"(\.[^"]+\.(?:ts|svelte))"/gm)) brought(new URL(String(path), file), found);
  return found;
}

test("no icon of the first screen is a later one", () => {
  expect(names).toContain("send");
  const first = brought(new URL("../src/patient/main.ts", import.meta.url));
  expect([...first.keys()].filter((path) => path.endsWith("Welcome.svelte"))).toHaveLength(1);
  expect(first.has(later.pathname)).toBe(false);
  for (const [path, source] of first) {
    if (!path.endsWith(".svelte")) continue;
    const drawn = [...source.matchAll(/\b(?:icon|name)=(?:"([a-z-]+)"|\{([^}]*)\})/g)].flatMap(([, plain, chosen]) => (plain ? [plain] : [...(chosen ?? "").matchAll(/"([a-z-]+)"/g)].map(([, each]) => String(each))));
    expect(drawn.filter((name) => names.includes(name)), path).toEqual([]);
  }
});
