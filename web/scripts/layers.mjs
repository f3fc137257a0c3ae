// Puts the order of the cascade's layers first in every style sheet: the first
// sheet that a browser meets decides it, and which that is depends on chunks.

const order = "@layer reset,tokens,base,kit,app;";

/** @returns {import("vite").Plugin} */
export function layers() {
  return {
    name: "sotto-layers",
    enforce: "post",
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === "asset" && file.fileName.endsWith(".css")) file.source = order + String(file.source);
      }
    },
  };
}
