// Short messages that come and go, with a way back where there is one.

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly action?: { readonly label: string; run(): void };
}

let list = $state.raw<readonly Toast[]>([]);
let last = 0;

export function toasts(): readonly Toast[] {
  return list;
}

export function dismiss(id: number): void {
  list = list.filter((toast) => toast.id !== id);
}

/**
 * Shows a toast. One with an action stays longer, as people must have time to
 * take it: 10 seconds, against 5.
 */
export function toast(text: string, action?: Toast["action"]): number {
  const id = ++last;
  list = [...list.slice(-2), action ? { id, text, action } : { id, text }];
  setTimeout(() => dismiss(id), action ? 10_000 : 5_000);
  return id;
}
