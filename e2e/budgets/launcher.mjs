// What the launcher costs a clinic's page: one request, no cookie, no movement
// and next to no time.
import { Person, phone } from "../browser.mjs";
import { noted, slowDown, watch } from "./stopwatch.mjs";

export async function launcher(demo, browser, table) {
  const person = await Person.arrive(browser, { name: "visitor", origins: [demo.origin, demo.clinic], ...phone });
  await person.context.addInitScript(watch, {});
  const page = await person.context.newPage();
  const asked = [];
  page.on("request", (request) => request.url().startsWith(demo.origin) && asked.push(request.url()));
  await slowDown(page, { line: false });
  await browser.startTracing(page, { categories: ["devtools.timeline", "v8"] });
  await page.goto(`${demo.clinic}/`, { waitUntil: "load" });
  await page.waitForTimeout(500);
  const trace = JSON.parse((await browser.stopTracing()).toString());
  // Compiling and running its script; what it does is all in there. Of the
  // processor's time, not the clock's: others share this machine.
  const spent = trace.traceEvents
    .filter((event) => event.name === "EvaluateScript" && event.ph === "X" && JSON.stringify(event.args).includes("/launcher.js"))
    .reduce((sum, event) => sum + (event.tdur ?? event.dur) / 1000, 0);
  table.most("launcher: requests before it is pressed", asked.length, 1);
  table.most("launcher: cookies", (await person.context.cookies()).length, 0);
  table.most("launcher: layout shift", (await noted(page)).shift, 0);
  table.time("launcher: main thread, 4x slower", spent, 5);
  await person.leave();
}
