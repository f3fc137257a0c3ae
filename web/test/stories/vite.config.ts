import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { layers } from "../../scripts/layers.mjs";
import { words } from "../../scripts/words.mjs";
import { longWords } from "../long.ts";

// With ?long, every message is longer than it is.
export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  publicDir: false,
  plugins: [svelte(), words(), longWords(), layers()],
  logLevel: "warn",
  build: {
    outDir: "test/stories/dist",
    emptyOutDir: true,
    rolldownOptions: { input: { stories: "test/stories/index.html" } },
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    minify: false,
  },
  worker: { format: "es" },
});
