import { defineConfig } from "vite";

import { words } from "./scripts/words.mjs";

// The script that practices put on their pages: one classic script, one
// request, a name that never changes.
export default defineConfig({
  plugins: [words()],
  publicDir: false,
  build: {
    emptyOutDir: false,
    reportCompressedSize: false,
    lib: { entry: "src/launcher/launcher.ts", formats: ["iife"], name: "sotto", fileName: () => "launcher.js" },
  },
});
