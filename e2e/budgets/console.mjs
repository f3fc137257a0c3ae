// How long a staff person waits for another of their conversations.
import { percentile } from "./stopwatch.mjs";

export async function switching(nurse, names, table, count = 30) {
  const times = await nurse.evaluate(
    async ([names, count]) => {
      const frame = () => new Promise((next) => requestAnimationFrame(next));
      /** @returns {HTMLElement | undefined} */
      const card = (name) => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("a, button, [role=option], li")]).find((each) => each.textContent.includes(name) && each.matches("a, button, [role=option]") && !each.closest("main header"));
      const found = [];
      for (let i = 0; i < count; i++) {
        const name = names[i % names.length];
        const began = performance.now();
        card(name).click();
        while (!(document.querySelector("#chat-title")?.textContent.includes(name) && document.querySelector("[role=log] bdi.text")) && performance.now() - began < 10_000) await frame();
        found.push(performance.now() - began);
      }
      return found;
    },
    [names, count],
  );
  table.time("switch conversation, p95", percentile(times, 95), 100);
}
