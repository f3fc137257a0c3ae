// The address follows the screen and the screen the address.

import { formatRoute, parseRoute, type Route } from "./model/route.ts";

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
export function go(to: Route, replace = false): void {
  const fragment = formatRoute(to);
  current = to.screen === "set-up" ? parseRoute("") : to;
  if (location.hash === fragment) return;
  if (replace) history.replaceState(null, "", fragment);
  else history.pushState(null, "", fragment);
}

/** Takes a one-time token out of the address bar and the history. */
export function forgetToken(): void {
  history.replaceState(null, "", location.pathname + location.search);
}
