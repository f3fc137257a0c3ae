import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

import { words } from "./scripts/words.mjs";

const hub = "http://localhost:8480";

// The pages. The launcher, which is one file with a fixed name, has a
// configuration of its own.
export default defineConfig({
  plugins: [svelte(), words()],
  build: {
    rolldownOptions: { input: { patient: "c/index.html", console: "staff/index.html" } },
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
});
