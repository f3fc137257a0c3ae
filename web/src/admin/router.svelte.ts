// Addresses of the administrators' page: #/section/more?filter=value. They live
// in the fragment, so the server sees none of them, and hold opaque ids alone.

export interface Route {
  readonly section: string;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export function parseRoute(fragment: string): Route {
  const [path = "", query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [section = "", ...rest] = path.split("/").map(decoded);
  return { section, path: rest.filter(Boolean), query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return ""; // not one of ours
  }
}

/** The fragment of an address; empty values of the query are left out. */
export function address(section: string, path: readonly string[] = [], query: Readonly<Record<string, string>> = {}): string {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  return `#/${[section, ...path].map(encodeURIComponent).join("/")}${asked && `?${asked}`}`;
}

let current = $state.raw<Route>(parseRoute(typeof location === "undefined" ? "" : location.hash));

export function route(): Route {
  return current;
}

/** Follows the address; returns what stops it. */
export function followAddress(): () => void {
  const read = () => (current = parseRoute(location.hash));
  read();
  addEventListener("hashchange", read);
  return () => removeEventListener("hashchange", read);
}

/** Goes to a screen. With `replace` the back button does not come back here. */
export function go(to: string, replace = false): void {
  if (location.hash !== to) {
    if (replace) history.replaceState(null, "", to);
    else history.pushState(null, "", to);
  }
  current = parseRoute(to);
}
