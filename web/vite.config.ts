import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { together } from "./scripts/chunks.mjs";
import { layers } from "./scripts/layers.mjs";
import { lean } from "./scripts/lean.mjs";
import { words } from "./scripts/words.mjs";

const hub = "http://localhost:8480";

const pages: Record<string, string> = { patient: "c/index.html", console: "staff/index.html", admin: "admin/index.html" };

// What is fetched at once, while the first screen is read, and before a chat.
const patientChunks = { first: "/src/patient/main.ts", screens: "/src/patient/screens/later.ts", chat: "/src/patient/screens/Chat.svelte" };

// The pages, each built by itself with --mode, so that a patient's phone does
// not load what only the console uses. The launcher, which is one file with a
// fixed name, has a configuration of its own.
export default defineConfig(({ mode }) => ({
  plugins: [svelte(), words(), layers(), lean()],
  build: {
    rolldownOptions: {
      input: pages[mode] ? { [mode]: pages[mode] } : pages,
      ...(mode === "patient" && { output: { codeSplitting: together(patientChunks) } }),
    },
    emptyOutDir: mode !== "console" && mode !== "admin",
    manifest: `.vite/${mode}.json`,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  server: { proxy: { "/v1": { target: hub, ws: true }, "/core": hub } },
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    environment: "node",
  },
}));
