// What the launcher costs a clinic's page: one request, no cookie, no movement
// and next to no time.
import { Person, phone } from "../browser.mjs";
import { noted, slowDown, watch } from "./stopwatch.mjs";

/** Opens the clinic's page once and says what the launcher cost it. */
async function visit(demo, browser) {
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
  const cookies = (await person.context.cookies()).length;
  const { shift } = await noted(page);
  await person.leave();
  return { asked: asked.length, spent, cookies, shift };
}

export async function launcher(demo, browser, table) {
  const visits = [];
  for (let i = 0; i < 5; i++) visits.push(await visit(demo, browser));
  const worst = (of) => Math.max(...visits.map(of));
  table.most("launcher: requests before it is pressed", worst((each) => each.asked), 1);
  table.most("launcher: cookies", worst((each) => each.cookies), 0);
  table.most("launcher: layout shift", worst((each) => each.shift), 0);
  // The least: what more it took was the machine's noise.
  table.time("launcher: main thread, 4x slower, least of 5", Math.min(...visits.map((each) => each.spent)), 5);
}
