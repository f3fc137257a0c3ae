// The panes of the screen, for F6: each says by data-pane what it is, and by
// data-pane-focus what in it takes the focus first.

function panes(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-pane]")].filter((pane) => pane.offsetParent !== null || pane.getClientRects().length > 0);
}

/** Moves the focus to the next pane, or with -1 to the one before. */
export function stepPane(step: 1 | -1): void {
  const all = panes();
  if (all.length === 0) return;
  const at = all.findIndex((pane) => pane.contains(document.activeElement));
  const next = at < 0 ? (step === 1 ? 0 : all.length - 1) : (at + step + all.length) % all.length;
  focusPane(all[next]);
}

export function focusPane(pane: HTMLElement | string | undefined): void {
  const found = typeof pane === "string" ? document.querySelector<HTMLElement>(`[data-pane="${pane}"]`) : pane;
  if (!found) return;
  const inside = found.querySelector<HTMLElement>("[data-pane-focus]:not([disabled])") ?? found.querySelector<HTMLElement>("a[href], button:not([disabled])");
  (inside ?? found).focus();
}

/** True if what is typed goes into the element. */
export function isField(element: Element | null): boolean {
  if (!element) return false;
  if (element instanceof HTMLInputElement) return !["button", "checkbox", "radio", "submit", "range"].includes(element.type);
  return element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement || (element as HTMLElement).isContentEditable;
}
