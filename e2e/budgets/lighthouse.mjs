// Lighthouse, as a phone, on the patient's page. Its own slow line is simulated.
import lighthouse from "lighthouse";

import { launch } from "../browser.mjs";
import { riverside } from "../people.mjs";
import { freePorts } from "../server.mjs";
import { median } from "./stopwatch.mjs";

export async function runLighthouse(demo, table, runs) {
  const [port] = await freePorts(1);
  const browser = await launch([`--remote-debugging-port=${port}`]);
  const scores = { performance: [], accessibility: [], "best-practices": [] };
  const failed = new Set();
  try {
    for (let run = 0; run < runs; run++) {
      const { lhr } = await lighthouse(demo.origin + riverside, { port, logLevel: "silent", output: "json", onlyCategories: Object.keys(scores) });
      for (const [name, found] of Object.entries(scores)) {
        found.push(Math.round(lhr.categories[name].score * 100));
        if (name === "performance") continue;
        for (const { id, weight } of lhr.categories[name].auditRefs) if (weight > 0 && lhr.audits[id].score !== null && lhr.audits[id].score < 1) failed.add(`${id}: ${lhr.audits[id].title}`);
      }
      const value = (id) => lhr.audits[id].numericValue;
      table.detail(`Lighthouse run ${run + 1}: first paint ${Math.round(value("first-contentful-paint"))} ms, largest ${Math.round(value("largest-contentful-paint"))} ms, blocking ${Math.round(value("total-blocking-time"))} ms, shift ${value("cumulative-layout-shift").toFixed(3)}, ${Math.round(value("total-byte-weight") / 1000)} kB`);
    }
  } finally {
    await browser.close();
  }
  for (const line of failed) table.detail(`Lighthouse: ${line}`);
  table.least("Lighthouse: performance", median(scores.performance), 90, { time: true });
  table.least("Lighthouse: accessibility", median(scores.accessibility), 100);
  table.least("Lighthouse: best practices", median(scores["best-practices"]), 100);
}
