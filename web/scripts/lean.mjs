// No page here is rendered on a server, so none is ever hydrated: Svelte's
// code for that is left out. It asks one variable everywhere, which only
// hydrate() sets; as a constant it lets the minifier drop what hangs on it.

const file = "svelte/src/internal/client/dom/hydration.js";
const changes = [
  ["export let hydrating = false;", "export const hydrating = false;"],
  ["\thydrating = value;", ""],
];

/** @returns {import("vite").Plugin} */
export function lean() {
  return {
    name: "sotto-lean",
    apply: "build",
    transform: {
      filter: { id: new RegExp(`${file.replaceAll(".", "\\.")}$`) },
      handler(code) {
        for (const [from, to] of changes) {
          if (!code.includes(/** @type {string} */ (from))) this.error(`${file} is no longer as scripts/lean.mjs knows it`);
          code = code.replace(/** @type {string} */ (from), /** @type {string} */ (to));
        }
        return { code, map: null };
      },
    },
  };
}
