// What a page is asked about itself. Each function runs inside the page and
// uses nothing from outside itself.

/**
 * What a person could not see or touch.
 * @param {{ least: number }} options the least width and height of a target, in CSS px; 0 asks for none
 * @returns {string[]}
 */
export function inspect({ least }) {
  const found = [];
  const label = (element) => `${element.tagName.toLowerCase()}.${[...element.classList].join(".")} "${(element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40)}"`;

  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) found.push(`scrolls sideways by ${wide} px`);

  // Text that an ancestor cuts off, and text that runs out of its control.
  const clips = (value) => value === "hidden" || value === "clip";
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.textContent.trim() || !parent.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    const shown = node.textContent.trim().slice(0, 40);
    for (let up = parent; up && up !== document.body; up = up.parentElement) {
      const style = getComputedStyle(up);
      const bounds = up.getBoundingClientRect();
      if (bounds.width <= 1 || bounds.height <= 1) break; // words for screen readers alone
      // A name or a message in a list may end in dots; what can be scrolled is not lost.
      if (style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none") break;
      if (/auto|scroll/.test(style.overflowX + style.overflowY)) break;
      const outX = clips(style.overflowX) && (box.left < bounds.left - 1.5 || box.right > bounds.right + 1.5);
      const outY = clips(style.overflowY) && (box.top < bounds.top - 1.5 || box.bottom > bounds.bottom + 1.5);
      if (outX || outY) {
        found.push(`"${shown}" is cut off by ${label(up).slice(0, 60)}`);
        break;
      }
      if (up.matches("button, a, summary, label") && (box.left < bounds.left - 1.5 || box.right > bounds.right + 1.5 || box.bottom > bounds.bottom + 3 || box.top < bounds.top - 3)) {
        if (style.display !== "inline") found.push(`"${shown}" runs out of ${label(up).slice(0, 60)}`);
        break;
      }
      if (style.position === "fixed") break;
    }
  }

  if (least > 0) {
    for (const each of document.querySelectorAll("button, a[href], summary, select, label.chip")) {
      if (!each.checkVisibility() || each.closest("[aria-hidden=true]")) continue;
      const { width, height } = each.getBoundingClientRect();
      if (width <= 1 || width >= least - 0.5 && height >= least - 0.5) continue;
      // A link inside a sentence may be as high as its line.
      if (least <= 32 && getComputedStyle(each).display === "inline") continue;
      found.push(`too small to touch: ${label(each)} ${Math.round(width)}x${Math.round(height)}`);
    }
  }
  return found;
}

/** Text spacing as a reader may set it (WCAG 1.4.12). */
export function spaceOut() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
