// Takes docs/screenshot.png anew from a chat in real browsers:
//
//   node e2e/screenshot.mjs
import path from "node:path";

import { desktop, launch, Person, phone } from "./browser.mjs";
import { beginChat, patientSays, reaches, riverside, sees, signIn, staffSays, takeNext } from "./people.mjs";
import { Demo, root } from "./server.mjs";

/** A made-up photo: a knee with a red patch, from near, as far as a canvas can. */
async function knee(page) {
  const bytes = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(640, 480);
    const ink = canvas.getContext("2d");
    /** @param {string} colour @param {[number, number, number, number, number]} oval */
    const fill = (colour, ...oval) => {
      ink.fillStyle = colour;
      ink.beginPath();
      ink.ellipse(...oval, 0, 7);
      ink.fill();
    };
    const skin = ink.createRadialGradient(300, 170, 40, 320, 240, 460);
    skin.addColorStop(0, "#f0d6bf");
    skin.addColorStop(0.6, "#d9ad8c");
    skin.addColorStop(1, "#b98663");
    ink.fillStyle = skin;
    ink.fillRect(0, 0, 640, 480);
    ink.filter = "blur(26px)";
    fill("rgb(255 240 225 / 45%)", 230, 150, 110, 70, -0.3);
    fill("rgb(120 75 50 / 30%)", 330, 430, 300, 60, 0.1);
    fill("rgb(196 72 60 / 55%)", 350, 250, 120, 84, 0.3);
    ink.filter = "blur(9px)";
    for (const [x, y, size] of [[330, 235, 16], [372, 258, 22], [345, 282, 12], [398, 226, 12]]) fill("rgb(176 44 40 / 45%)", x, y, size, size * 0.8, 0);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  return { name: "knee.jpg", mimeType: "image/jpeg", buffer: Buffer.from(bytes) };
}

const demo = await Demo.start();
const browser = await launch();
try {
  const origins = [demo.origin];
  const ana = await Person.arrive(browser, { name: "Ana", origins, ...phone, viewport: { width: 390, height: 820 } });
  const dana = await Person.arrive(browser, { name: "Dana", origins, ...desktop, viewport: { width: 1440, height: 900 } });
  const patient = await ana.open(demo.origin + riverside);
  await beginChat(patient, { name: "Ana Parker" });
  await patientSays(patient, "My knee hurts since Monday.");
  await reaches(patient, "My knee hurts since Monday.", "Sent");
  const nurse = await dana.open(`${demo.origin}/staff/`);
  await signIn(nurse, demo.signIn("dana.ortiz"));
  await takeNext(nurse);
  await sees(nurse, "My knee hurts since Monday.");
  await staffSays(nurse, "Hello Ana. Can you send a photo of it?");
  await sees(patient, "Can you send a photo");
  await patient.locator("input[type=file]").first().setInputFiles(await knee(patient));
  await patient.getByRole("button", { name: /^Send .*file/ }).click();
  await nurse.getByRole("button", { name: /knee/ }).first().waitFor();
  await staffSays(nurse, "Thank you. Please rest it and cool it for 15 minutes, three times a day.");
  await sees(patient, "Please rest it");
  await reaches(nurse, "Please rest it", "Read");
  await patient.getByRole("button", { name: "No thanks" }).click();
  await patient.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
  await nurse.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
  const shots = await Promise.all([nurse, patient].map(async (page) => (await page.screenshot()).toString("base64")));
  const both = await browser.newPage({ viewport: { width: 1500, height: 860 } });
  await both.setContent(`<style>
    body { margin: 0; background: #dfe7e7; position: relative; height: 860px; overflow: hidden }
    img { display: block; position: absolute; box-shadow: 0 18px 50px #0f2f3440 }
    .desk { inset: 40px auto auto 40px; width: 1180px; border-radius: 14px }
    .phone { inset: auto 40px 24px auto; width: 320px; border: 8px solid #1c1c1e; border-radius: 34px }
  </style><img class="desk" src="data:image/png;base64,${shots[0]}"><img class="phone" src="data:image/png;base64,${shots[1]}">`);
  await both.screenshot({ path: path.join(root, "docs", "screenshot.png") });
} finally {
  await browser.close();
  await demo.end();
}
