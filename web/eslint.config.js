import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

import svelteConfig from "./svelte.config.js";

export default ts.config(
  // Of the whole repository: the programs that drive a browser are held to the same.
  { ignores: ["web/dist/", "web/test/*/dist*/", "web/src/core/generated/", "web/src/api/schema.ts", "e2e/artifacts/"] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      "no-undef": "off", // the compiler knows better
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-extraneous-class": "off",
      "no-console": "error",
      "no-eval": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "A Trusted Types sink." },
        { property: "outerHTML", message: "A Trusted Types sink." },
        { property: "insertAdjacentHTML", message: "A Trusted Types sink." },
      ],
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { extraFileExtensions: [".svelte"], parser: ts.parser, svelteConfig } },
    rules: {
      "svelte/no-at-html-tags": "error",
      // State is replaced, never changed in place ($state.raw).
      "svelte/prefer-svelte-reactivity": "off",
      "no-restricted-syntax": [
        "error",
        { selector: "SvelteAttribute[key.name='style']", message: "An inline style, which the CSP refuses. Use a class or style:--name." },
        { selector: "SvelteElement > SvelteText[value=/\\p{L}{2}/u]", message: "Words belong in locales/." },
        {
          selector: "SvelteAttribute[key.name=/^(aria-label|title|placeholder|alt|label|legend)$/] > SvelteLiteral[value=/\\p{L}/u]",
          message: "Words belong in locales/.",
        },
      ],
      "svelte/require-each-key": "error",
      "svelte/no-navigation-without-resolve": "off",
    },
  },
  { files: ["web/scripts/**", "web/test/**", "e2e/**"], rules: { "no-console": "off" } },
  { files: ["e2e/**"], rules: { "no-restricted-properties": "off" } }, // they read pages
);
