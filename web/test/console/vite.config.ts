import { fileURLToPath } from "node:url";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

import { layers } from "../../scripts/layers.mjs";
import { words } from "../../scripts/words.mjs";
import { longWords } from "../long.ts";

// The console's screens with a scripted core, to look at and to check. With
// ?long, every message is longer than it is.
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [svelte({ configFile: fileURLToPath(new URL("../../svelte.config.js", import.meta.url)) }), words(), longWords(), layers()],
  build: { outDir: "dist", emptyOutDir: true, minify: false, reportCompressedSize: false, modulePreload: { polyfill: false }, assetsInlineLimit: 0, target: "es2022" },
});
