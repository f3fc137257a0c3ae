import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { layers } from "../../scripts/layers.mjs";
import { words } from "../../scripts/words.mjs";
import { longWords } from "../long.ts";

// With --mode long, every message is longer than it is.
export default defineConfig(({ mode }) => ({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  publicDir: false,
  plugins: [svelte(), words(), mode === "long" && longWords(), layers()],
  logLevel: "warn",
  build: {
    outDir: mode === "long" ? "test/stories/dist-long" : "test/stories/dist",
    emptyOutDir: true,
    rolldownOptions: { input: { stories: "test/stories/index.html" } },
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    minify: false,
  },
  worker: { format: "es" },
}));
