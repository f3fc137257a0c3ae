import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { words } from "../../scripts/words.mjs";

// The console's screens with a scripted core, to look at and to check.
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [svelte({ configFile: fileURLToPath(new URL("../../svelte.config.js", import.meta.url)) }), words()],
  build: { outDir: "dist", emptyOutDir: true, minify: false, reportCompressedSize: false, modulePreload: { polyfill: false }, assetsInlineLimit: 0, target: "es2022" },
});
