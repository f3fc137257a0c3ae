// What it costs the core to seal and to open one message: Go's benchmark, as
// WebAssembly, in the engine that Chromium has too.
import { execFileSync } from "node:child_process";
import path from "node:path";

import { root } from "../server.mjs";
import { median } from "./stopwatch.mjs";

const slower = 4;

export function sealing(table) {
  const env = { ...process.env, GOOS: "js", GOARCH: "wasm" };
  const goroot = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
  const out = execFileSync("go", ["test", "-run=^$", "-bench=^Benchmark(Seal|Open)$/MLKEM768/^(2|20)$", "-benchtime=200x", `-exec=${path.join(goroot, "lib/wasm/go_js_wasm_exec")}`, "./mls"], { cwd: root, env, encoding: "utf8" });
  for (const what of ["Seal", "Open"]) {
    const found = [...out.matchAll(new RegExp(`^Benchmark${what}/(\\S+)\\s+\\d+\\s+(\\d+) ns/op`, "gm"))];
    const mean = median(found.map(([, , ns]) => Number(ns) / 1e6));
    table.time(`${what.toLowerCase()} one message in the core, mean, 4x slower`, mean * slower, 25);
  }
}
