import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // Short, because it is said for every element that has a style of its own.
    cssHash: ({ hash, css }) => `s${hash(css).slice(0, 5)}`,
  },
};
