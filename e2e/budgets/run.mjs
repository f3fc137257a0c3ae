// Measures what the design allows a person to wait, and prints it.
//
//   node budgets/run.mjs        SOTTO_BUDGETS=strict  LIGHTHOUSE_RUNS=5 (usual)
import { desktop, launch, Person, phone } from "../browser.mjs";
import { beginChat, patientSays, reaches, riverside, sees, signIn, takeNext } from "../people.mjs";
import { Demo } from "../server.mjs";
import { switching } from "./console.mjs";
import { sealing } from "./core.mjs";
import { launcher } from "./launcher.mjs";
import { runLighthouse } from "./lighthouse.mjs";
import { firstScreen, talk, wayIn } from "./patient.mjs";
import { Table } from "./table.mjs";

const table = new Table();
const demo = await Demo.start();
const browser = await launch();

async function arrive(name, place, context) {
  const person = await Person.arrive(browser, { name, origins: [demo.origin], ...context });
  return person.open(demo.origin + place);
}

try {
  await launcher(demo, browser, table);
  await firstScreen(demo, browser, table);
  await wayIn(demo, browser, table);

  const bo = await arrive("Bo", riverside, phone);
  await beginChat(bo, { name: "Bo Lindqvist" });
  await patientSays(bo, "Can I move my visit?");
  await reaches(bo, "Can I move my visit?", "Sent");
  const nurse = await arrive("Dana", "/staff/", desktop);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  for (const text of ["typed before the core was there", "Can I move my visit?"]) {
    await nurse.evaluate(() => (location.hash = "#/waiting"));
    await takeNext(nurse);
    await sees(nurse, text);
  }
  await reaches(bo, "Can I move my visit?", "Read");
  await talk(bo, nurse, table);
  await nurse.evaluate(() => (location.hash = "#/mine"));
  await switching(nurse, ["Ana Parker", "Bo Lindqvist"], table);
  await browser.close();

  sealing(table);
  await runLighthouse(demo, table, Number(process.env.LIGHTHOUSE_RUNS ?? 5));
} finally {
  await browser.close();
  await demo.end();
}
process.exit(table.print() ? 0 : 1);
