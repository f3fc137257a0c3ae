// Contact sheets: all pictures of one look on a few pages, for people.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const aSheet = 24;

/**
 * @param {import("playwright-core").Browser} browser
 * @param {string} shots the folder of the pictures
 * @param {string[]} names of the stories
 * @param {string[]} looks
 */
export async function drawSheets(browser, shots, names, looks) {
  const folder = join(shots, "sheets");
  mkdirSync(folder, { recursive: true });
  for (const look of looks) {
    const width = look.startsWith("desktop") || look.startsWith("tablet") ? 620 : 300;
    for (let from = 0; from < names.length; from += aSheet) {
      const figures = names.slice(from, from + aSheet).flatMap((name) => {
        const file = join(shots, `${name}.${look}.jpg`);
        if (!existsSync(file)) return [];
        return `<figure><img src="data:image/jpeg;base64,${readFileSync(file).toString("base64")}"><figcaption>${name}</figcaption></figure>`;
      });
      const page = await browser.newPage({ viewport: { width: width === 300 ? 1900 : 2560, height: 100 } });
      await page.setContent(
        `<style>body{display:flex;flex-wrap:wrap;gap:10px;margin:10px;background:#777;font:14px sans-serif;align-items:start}
         figure{margin:0}img{width:${width}px;display:block}figcaption{background:#fff;padding:2px 6px}</style>${figures.join("")}`,
      );
      await page.screenshot({ path: join(folder, `${look}.${from / aSheet + 1}.jpg`), type: "jpeg", quality: 85, fullPage: true });
      await page.close();
    }
  }
}
