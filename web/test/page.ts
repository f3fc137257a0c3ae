// What a story does to the page that it is shown on.

export interface StoryPage {
  key(key: string, options?: KeyboardEventInit): void;
  /** Into the field that has the focus. */
  type(text: string): void;
  /** Into the field of that label. */
  fill(label: RegExp, text: string): void;
  click(name: RegExp): void;
  /** Presses as a person does: what is pressed has the focus. */
  press(selector: string): Promise<void>;
  /** Fails the story unless that has the focus. */
  focused(selector: string): void;
  pause(ms: number): Promise<void>;
}

function put(field: Element | null | undefined, text: string): void {
  if (field instanceof HTMLSelectElement) {
    field.value = text;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) return;
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

export const page: StoryPage = {
  key: (key, options) => void (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options })),
  type: (text) => put(document.activeElement, text),
  fill(label, text) {
    const found = [...document.querySelectorAll("label")].find((each) => label.test(each.textContent ?? ""));
    put(found && document.getElementById(found.htmlFor), text);
  },
  click: (name) => [...document.querySelectorAll<HTMLElement>("button, a.button")].find((b) => name.test(b.textContent ?? "") || name.test(b.getAttribute("aria-label") ?? ""))?.click(),
  async press(selector) {
    for (let tries = 0; tries < 40 && !document.querySelector(selector); tries++) await page.pause(100);
    const found = document.querySelector<HTMLElement>(selector);
    if (!found) throw new Error(`no ${selector}`);
    found.focus();
    found.click();
    await page.pause(100);
  },
  focused(selector) {
    if (!document.activeElement?.matches(selector)) throw new Error(`the focus is on ${document.activeElement?.localName ?? "nothing"}, not on ${selector}`);
  },
  pause: (ms) => new Promise((done) => setTimeout(done, ms)),
};
