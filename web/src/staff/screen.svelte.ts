// How many columns there is room for.

export type Room = "wide" | "medium" | "narrow";

const queries = { wide: "(min-width: 80rem)", medium: "(min-width: 56.25rem)" };

let current = $state<Room>(measure());

function measure(): Room {
  if (typeof matchMedia === "undefined") return "wide";
  if (matchMedia(queries.wide).matches) return "wide";
  return matchMedia(queries.medium).matches ? "medium" : "narrow";
}

if (typeof matchMedia !== "undefined") {
  for (const query of Object.values(queries)) {
    matchMedia(query).addEventListener("change", () => (current = measure()));
  }
}

/** wide: four columns; medium: details in a drawer; narrow: one pane. */
export function room(): Room {
  return current;
}

/** True on Apple's keyboards, whose chords use Cmd. */
export const apple = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);
