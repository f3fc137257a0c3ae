// What is measured inside a page and around it: a slow line and a slow
// processor, as Chromium plays them, and clocks that the page itself reads.

/** 1.6 Mbit/s, 150 ms there and back, a processor four times as slow. */
const slow = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };

/** Slows the page down; without a line, only its processor. */
export async function slowDown(page, { line = true, processor = 4 } = {}) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Network.enable");
  if (line) await cdp.send("Network.emulateNetworkConditions", slow);
  if (processor > 1) await cdp.send("Emulation.setCPUThrottlingRate", { rate: processor });
  return cdp;
}

/**
 * Run inside every page before its own scripts: notes when each selector was
 * first on the screen, how far things were moved, and which tasks were long.
 * @param {Record<string, string>} selectors by the name of their mark
 */
export function watch(selectors) {
  const seen = (globalThis.budgets = { marks: {}, shift: 0, moved: [], long: [], slowest: 0 });
  const observe = (type, each, options = {}) => new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true, ...options });
  // As browsers sum it up: the worst burst of shifts, at most five seconds long, with no second of rest in it.
  let burst = 0;
  let from = 0;
  let last = -Infinity;
  observe("layout-shift", (entry) => {
    if (entry.hadRecentInput) return;
    if (entry.startTime - last > 1000 || entry.startTime - from > 5000) [burst, from] = [0, entry.startTime];
    last = entry.startTime;
    const name = ({ node, previousRect, currentRect }) => `${node?.className || node?.nodeName} from ${Math.round(previousRect.y)} to ${Math.round(currentRect.y)}`;
    seen.moved.push(`${Math.round(entry.startTime)} ms: ${entry.value.toFixed(4)} ${entry.sources.map(name).join(", ")}`);
    burst += entry.value;
    seen.shift = Math.max(seen.shift, burst);
  });
  observe("longtask", (entry) => seen.long.push([entry.startTime, entry.duration]));
  observe("event", (entry) => entry.interactionId && (seen.slowest = Math.max(seen.slowest, entry.duration)), { durationThreshold: 16 });
  const look = () => {
    for (const [name, selector] of Object.entries(selectors)) {
      if (name in seen.marks) continue;
      const found = document.querySelector(selector);
      if (found?.checkVisibility() && !(/** @type {HTMLButtonElement} */ (found).disabled)) seen.marks[name] = performance.now();
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** All that the page has noted so far, with its blocking time up to a mark. */
export async function noted(page, until) {
  const found = await page.evaluate(() => ({ ...globalThis.budgets, now: performance.now(), first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0 }));
  const end = found.marks[until] ?? found.now;
  const blocking = found.long.filter(([start]) => start >= found.first && start <= end).reduce((sum, [, length]) => sum + length - 50, 0);
  return { ...found, blocking };
}

export const percentile = (values, p) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil((values.length * p) / 100) - 1)];
export const median = (values) => percentile(values, 50);
