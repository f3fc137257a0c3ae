// Whether a lock screen covers the page. What lies under it is kept, hidden, so
// that nothing that was typed is lost: a dialog steps back, as it would cover
// the lock screen, and comes again with what is in it.

let now = $state(false);

export const covered = (): boolean => now;

export function cover(is: boolean): void {
  now = is;
}
