// How long a patient waits: to the first screen, to the composer, to a core
// that sends; and what each press costs.
import { Person, phone } from "../browser.mjs";
import { patientBox, patientSays, reaches, riverside, sees } from "../people.mjs";
import { noted, percentile, slowDown, watch } from "./stopwatch.mjs";

const marks = {
  welcome: "main button",
  consent: "input[type=checkbox]",
  composer: "form.composer textarea",
};

/** Presses a button and says how long it takes until the selector is there, as the page counts. */
async function pressUntil(page, name, selector) {
  return page.evaluate(
    async ([wanted, there]) => {
      const button = [...document.querySelectorAll("button")].find((each) => each.textContent.trim() === wanted && each.checkVisibility());
      const began = performance.now();
      button.click();
      while (!document.querySelector(there)?.checkVisibility()) await new Promise((next) => requestAnimationFrame(next));
      return performance.now() - began;
    },
    [name, selector],
  );
}

/**
 * What the first screen waits for: the page, then its script and style, then
 * the practice beside the words. Each round is answered once all of it is asked
 * for, and nothing after the last, so that a round or a request more is seen on
 * any machine.
 */
export async function firstScreen(demo, browser, table, rounds = [1, 2, 2]) {
  const ana = await Person.arrive(browser, { name: "Ana", origins: [demo.origin], ...phone });
  const page = await ana.context.newPage();
  let round = 0;
  let waiting = [];
  await page.route("**/*", async (route) => {
    if (route.request().url().endsWith(".svg")) return route.continue(); // the picture in the browser's tab
    waiting.push(route);
    if (waiting.length !== rounds[round]) return;
    round++;
    const answered = waiting;
    waiting = [];
    await Promise.all(answered.map((each) => each.continue()));
  });
  const came = page.goto(demo.origin + riverside, { waitUntil: "commit" }).then(() => page.getByRole("button", { name: "Start a chat" }).waitFor());
  const shown = await came.then(() => true, () => false);
  if (!shown) table.detail(`the first screen did not come: round ${round + 1} asks for ${waiting.map((each) => new URL(each.request().url()).pathname).join(", ")}`);
  table.most("round trips before the first screen", shown ? rounds.length : NaN, 3);
  table.most("requests before the first screen", shown ? rounds.reduce((sum, each) => sum + each) : NaN, 5);
  await ana.leave();
}

/** The whole way in on a slow phone, cold and then warm. */
export async function wayIn(demo, browser, table) {
  const ana = await Person.arrive(browser, { name: "Ana", origins: [demo.origin], ...phone });
  await ana.context.addInitScript(watch, marks);
  const page = await ana.context.newPage();
  page.setDefaultTimeout(120_000);
  await slowDown(page);
  // The first thing that the core asks for once it runs.
  let began = Date.now();
  let core = 0;
  page.on("request", (request) => {
    if (core === 0 && /\/v1\/(challenges|device-sessions)$/.test(request.url())) core = Date.now() - began;
  });
  await page.goto(demo.origin + riverside, { waitUntil: "commit" });
  await page.getByRole("button", { name: "Start a chat" }).waitFor();
  const cold = await noted(page, "welcome");
  const consent = await pressUntil(page, "Start a chat", marks.consent);
  for (const box of await page.getByRole("checkbox").all()) await box.check();
  await page.getByRole("button", { name: "I agree, go on" }).click();
  await page.getByLabel("What should we call you?").fill("Ana Parker");
  await page.getByText("A health question", { exact: true }).click();
  await page.getByText("Yes, it is mine").click();
  const composer = await pressUntil(page, "Go to the chat", marks.composer);
  await patientSays(page, "typed before the core was there");
  await reaches(page, "typed before the core was there", "Sent");
  const sent = Date.now() - began;
  const visit = await noted(page);
  table.time("welcome usable, cold", cold.marks.welcome, 2000);
  table.time("consent after its press", consent, 2000);
  table.time("composer after its press", composer, 2000);
  table.time("core runs, cold", core, 9000);
  table.note("first words sent, cold, typed at once", sent);
  table.most("layout shift of the way in (CLS)", visit.shift, 0.02);
  if (visit.shift > 0.01) for (const line of visit.moved) table.detail(`moved at ${line}`);
  table.time("blocking until the first screen (TBT)", cold.blocking, 100);
  table.time("slowest answer to a press (INP)", visit.slowest, 150);

  // The same person comes again: all is in the cache but the page and the practice.
  await page.goto("about:blank");
  core = 0;
  began = Date.now();
  await page.goto(demo.origin + riverside, { waitUntil: "commit" });
  const again = page.getByRole("button", { name: "Continue my chat" });
  await patientBox(page).or(again).first().waitFor();
  const warm = await noted(page);
  if (await again.isVisible()) await again.click();
  await page.getByRole("log").locator("bdi.text").first().waitFor();
  table.time("first screen or composer, warm", Math.min(...Object.values(warm.marks)), 600);
  table.time("core unlocks the chat, warm", await page.evaluate(() => performance.now()), 1000);
  table.most("layout shift of coming back (CLS)", (await noted(page)).shift, 0.02);
  await ana.leave();
}

/** Messages of a patient to a nurse who looks at them, on this machine's own line. */
export async function talk(patient, nurse, table, count = 30) {
  const times = await patient.evaluate(async (count) => {
    const frame = () => new Promise((next) => requestAnimationFrame(next));
    const found = [];
    for (let i = 0; i < count; i++) {
      const text = `message ${i} of the stopwatch`;
      /** @type {HTMLTextAreaElement} */
      const field = document.querySelector("form.composer textarea");
      field.value = text;
      field.dispatchEvent(new InputEvent("input", { bubbles: true }));
      await frame();
      const began = performance.now();
      field.form.requestSubmit();
      const line = () => [...document.querySelectorAll("li.line")].findLast((each) => each.textContent.includes(text));
      while (!line()) await frame();
      const bubble = performance.now() - began;
      while (!/Delivered|Read/.test(line()?.querySelector(".ticks")?.textContent ?? "") && performance.now() - began < 20_000) await frame();
      found.push([bubble, performance.now() - began]);
    }
    return found;
  }, count);
  await sees(nurse, `message ${count - 1} of the stopwatch`);
  table.time("press Send to bubble, p95", percentile(times.map(([bubble]) => bubble), 95), 50);
  table.time("press Send to delivered, p95", percentile(times.map(([, delivered]) => delivered), 95), 300);
}
