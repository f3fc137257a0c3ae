// The chat inside a clinic's page: another origin, and another site.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, desktop, launch, Person, phone, picture, pressLauncher } from "./browser.mjs";
import { beginChat, patientSays, reaches, riverside } from "./people.mjs";
import { Demo } from "./server.mjs";

let demo, browser;

before(async () => {
  demo = await Demo.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await demo?.end();
});

for (const [size, context] of [["desktop", desktop], ["phone", phone]]) {
  test(`a patient chats from the clinic's page on a ${size}`, async () => {
    const bo = await Person.arrive(browser, { name: "Bo", origins: [demo.origin, demo.clinic], ...context });
    const page = await bo.open(`${demo.clinic}/`);
    await page.getByRole("heading").first().waitFor();
    await picture(page, `20-clinic-${size}`);
    const chat = await pressLauncher(page, riverside);
    await beginChat(chat, { name: "Bo Lindqvist" });
    await patientSays(chat, "Can I move my visit?");
    await reaches(chat, "Can I move my visit?", "Sent");
    await picture(page, `21-frame-${size}`);
    assert.equal(await page.evaluate(() => document.cookie), "", "the clinic's page got a cookie");
    assert.equal(await page.evaluate(() => document.body.innerText.includes("Can I move")), false, "the clinic's page can read the chat");
    await assertAccessible(page, `clinic page with the chat open, ${size}`);
    bo.assertClean();
    await bo.leave();
  });
}

test("a page that the practice has not listed cannot embed the chat", async () => {
  const person = await Person.arrive(browser, { name: "stranger", origins: [demo.origin], ...desktop });
  person.allow(/frame-ancestors|Refused to frame|Framing/);
  const page = await person.context.newPage();
  await page.route("http://stranger.localhost/", (route) =>
    route.fulfill({ contentType: "text/html", body: `<iframe src="${demo.origin}${riverside}?embed=1"></iframe>` }));
  await page.goto("http://stranger.localhost/");
  await page.waitForTimeout(1500);
  const shown = page.frames().some((frame) => frame.url().startsWith(demo.origin));
  assert.equal(shown, false, "the chat was shown in a stranger's page");
  await person.leave();
});

for (const language of ["en", "ar"]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing on the first screens in ${language}, ${colorScheme}`, async () => {
      const person = await Person.arrive(browser, { name: "reader", origins: [demo.origin], ...phone, colorScheme, locale: language === "ar" ? "ar-EG" : "en-US" });
      const page = await person.open(demo.origin + riverside);
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.dir || "ltr"), language === "ar" ? "rtl" : "ltr");
      await assertAccessible(page, `welcome ${language} ${colorScheme}`);
      await picture(page, `30-welcome-${language}-${colorScheme}`);
      const staff = await person.open(`${demo.origin}/staff/`);
      await staff.getByRole("heading", { level: 1 }).first().waitFor();
      await assertAccessible(staff, `sign-in ${language} ${colorScheme}`);
      person.assertClean();
      await person.leave();
    });
  }
}
