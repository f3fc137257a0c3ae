// Where a patient comes back to from the practice's portal: /c/SLUG/portal. The
// answer goes to the page that sent them there, and stays in no address.

const key = (slug: string): string => `sotto.portal/${slug}`;

/** What this tab keeps while the person is at the portal: the attempt, then the answer to it. */
export interface Kept {
  readonly attempt: string;
  readonly answer?: string;
}

export function kept(slug: string): Kept | undefined {
  try {
    const found = JSON.parse(sessionStorage.getItem(key(slug)) ?? "null") as Partial<Kept> | null;
    if (typeof found?.attempt !== "string") return undefined;
    return { attempt: found.attempt, ...(typeof found.answer === "string" && { answer: found.answer }) };
  } catch {
    return undefined;
  }
}

export function keep(slug: string, what: Kept | undefined): void {
  try {
    if (what) sessionStorage.setItem(key(slug), JSON.stringify(what));
    else sessionStorage.removeItem(key(slug));
  } catch {
    // A browser that keeps nothing: whoever comes back begins again.
  }
}

/** True if this is where people come back to; then there is nothing else to show. */
export function arrive(slug: string): boolean {
  if (!location.pathname.endsWith("/portal")) return false;
  const answer = location.search;
  history.replaceState(null, "", `/c/${slug}`);
  const began = kept(slug);
  let stays = 0;
  if (began && !began.answer) keep(slug, { ...began, answer });
  else if (opener) {
    // Nobody but a page of ours may read it. It closes this window once it has: a word from one that is gone is nobody's.
    (opener as Window).postMessage({ sotto: 1, type: "portal", answer }, location.origin);
    stays = 5000;
  }
  setTimeout(() => {
    if (stays) close();
    location.replace(`/c/${slug}`);
  }, stays);
  return true;
}
