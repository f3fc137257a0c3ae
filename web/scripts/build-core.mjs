// Builds the core: cmd/sotto-core to WebAssembly, under the name of its hash,
// with compressed twins, and what the worker is compiled with: the address and
// Go's own start-up code. It must run before the pages are built, and fails if
// the core is over its budget.
//
// The files go to public/core, which the build of the pages copies to dist,
// and to dist/core, so that a new core can be tried without that build.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

// Without inlining the core is an eighth smaller once compressed. Cryptography
// keeps it: there it is worth a factor of up to twenty.
const inlining = [
  "-gcflags=all=-l",
  ...["crypto/...", "math/bits", "internal/byteorder", "encoding/binary"].map((inlined) => `-gcflags=${inlined}=`),
];

const budget = 1.3 * 1000 * 1000; // bytes of brotli: docs, the list of budgets

const project = fileURLToPath(new URL("../..", import.meta.url));
const generated = join(project, "web/src/core/generated");
const publicCore = join(project, "web/public/core");
const distCore = join(project, "web/dist/core");

const go = (...args) =>
  execFileSync("go", args, { cwd: project, encoding: "utf8", env: { ...process.env, GOOS: "js", GOARCH: "wasm" } }).trim();

function build() {
  const folder = mkdtempSync(join(tmpdir(), "sotto-core-"));
  try {
    const file = join(folder, "core.wasm");
    // -buildvcs=false: the same source gives the same hash, committed or not.
    go("build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", ...inlining, "-o", file, "./cmd/sotto-core");
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Go's start-up code as a module. It would put itself among the globals and
// print what a dying program says, which might quote a message: here it does
// neither.
function startUp() {
  const [root, version] = go("env", "GOROOT", "GOVERSION").split("\n");
  const source = readFileSync(join(root, "lib/wasm/wasm_exec.js"), "utf8");
  return `// Made by scripts/build-core.mjs from lib/wasm/wasm_exec.js of ${version}.
const console = Object.freeze({ log() {}, warn() {}, error() {} });
${source}
export const Go = globalThis.Go;
delete globalThis.Go;
`;
}

const wasm = build();
const sha256 = createHash("sha256").update(wasm).digest("hex");
const name = `${sha256}.wasm`;

if (!existsSync(join(publicCore, `${name}.br`))) {
  mkdirSync(publicCore, { recursive: true });
  writeFileSync(join(publicCore, name), wasm);
  writeFileSync(join(publicCore, `${name}.gz`), gzipSync(wasm, { level: 9 }));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length,
  };
  writeFileSync(join(publicCore, `${name}.br`), brotliCompressSync(wasm, { params }));
}
const size = {
  raw: wasm.length,
  gzip: readFileSync(join(publicCore, `${name}.gz`)).length,
  brotli: readFileSync(join(publicCore, `${name}.br`)).length,
};
// Only now is the former one in nobody's way.
for (const old of readdirSync(publicCore)) if (!old.startsWith(name)) rmSync(join(publicCore, old), { force: true });
writeFileSync(join(publicCore, "core.json"), `${JSON.stringify({ file: name, sha256, size }, undefined, 2)}\n`);
rmSync(distCore, { recursive: true, force: true });
cpSync(publicCore, distCore, { recursive: true });

mkdirSync(generated, { recursive: true });
writeFileSync(join(generated, "go.js"), startUp());
writeFileSync(
  join(generated, "go.d.ts"),
  `export declare class Go {
  readonly importObject: WebAssembly.Imports;
  /** Resolves when the program ends. */
  run(instance: WebAssembly.Instance): Promise<void>;
}
`,
);
writeFileSync(
  join(generated, "manifest.ts"),
  `export const core = { url: "/core/${name}", sha256: "${sha256}", bytes: ${wasm.length} } as const;\n`,
);

const kb = (n) => `${(n / 1000).toFixed(0)} kB`;
process.stdout.write(
  `core ${sha256.slice(0, 12)}: ${kb(size.raw)}, gzip ${kb(size.gzip)}, brotli ${kb(size.brotli)} of ${kb(budget)}\n`,
);
if (size.brotli > budget) {
  process.stderr.write("core: over its budget; look at it with: go tool nm -size -sort size\n");
  process.exitCode = 1;
}
