// Puts back what git wants to see in dist and writes the compressed twins of
// all files, so that the server compresses nothing while it serves.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
/** @param {string | Buffer} bytes */
const hashOf = (bytes) => createHash("sha256").update(bytes).digest("base64url").slice(0, 10);

// The shell of the patient chat under a name that holds its hash, and the
// service worker with the list of all that the shell may come to load.
function writeServiceWorker() {
  const page = readFileSync(join(dist, "c/index.html"));
  const shellPage = `/assets/chat-${hashOf(page)}.html`;
  writeFileSync(join(dist, shellPage), page);
  const assets = readdirSync(join(dist, "assets")).filter((name) => [".js", ".css", ".svg", ".png"].includes(extname(name)));
  const core = JSON.parse(readFileSync(join(dist, "core/core.json"), "utf8"));
  const found = new Set([shellPage]);
  const visit = (/** @type {string} */ file) => {
    const text = readFileSync(join(dist, file), "utf8");
    if (text.includes(core.sha256)) found.add(`/core/${core.sha256}.wasm`);
    for (const name of assets) {
      const next = `/assets/${name}`;
      if (found.has(next) || !text.includes(name)) continue;
      found.add(next);
      if (/\.(js|css)$/.test(name)) visit(next);
    }
  };
  visit(shellPage);
  if (![...found].some((file) => file.startsWith("/core/"))) throw new Error("the shell does not come to the core");
  const files = [...found].sort();
  const source = readFileSync(fileURLToPath(new URL("../src/offline/service-worker.js", import.meta.url)), "utf8");
  const list = JSON.stringify({ version: hashOf(files.join()), page: shellPage, files });
  writeFileSync(join(dist, "service-worker.js"), source.replace('"LISTED BY THE BUILD"', () => list));
}

writeServiceWorker();

const worth = new Set([".js", ".css", ".html", ".svg", ".json", ".wasm"]);

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !worth.has(extname(entry.name))) continue;
  const file = join(entry.parentPath, entry.name);
  const bytes = readFileSync(file);
  if (bytes.length < 512 || existsSync(`${file}.br`)) continue; // the core comes with its own
  writeFileSync(
    `${file}.br`,
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  );
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
}
writeFileSync(join(dist, ".gitkeep"), "");
