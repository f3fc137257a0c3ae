// Our own icons: strokes on a 24 by 24 grid, drawn with round ends. Those in
// `mirrored` point along the line of writing and turn over in right-to-left
// languages; ticks, clocks and telephones never do.

const icons = {
  alert: ["M12 8.5v4.5", "M12 16.5v.01", "M10.4 4.4 2.9 17.3A1.9 1.9 0 0 0 4.5 20h15a1.9 1.9 0 0 0 1.6-2.7L13.6 4.4a1.85 1.85 0 0 0-3.2 0Z"],
  back: ["M19 12H5", "m11 6-6 6 6 6"],
  chat: ["M6.5 4.5h11A2.5 2.5 0 0 1 20 7v7.5a2.5 2.5 0 0 1-2.5 2.5H12l-4.6 3.6a.6.6 0 0 1-.9-.5V17A2.5 2.5 0 0 1 4 14.5V7a2.5 2.5 0 0 1 2.5-2.5Z"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  clock: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M12 7.5V12l3 2"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  device: ["M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3Z", "M11 18h2"],
  expand: ["M14 4h6v6", "M20 4l-7 7", "M10 20H4v-6", "M4 20l7-7"],
  globe: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M3.5 12h17", "M12 3.5c2.5 2.5 3.6 5.3 3.6 8.5s-1.1 6-3.6 8.5c-2.5-2.5-3.6-5.3-3.6-8.5S9.5 6 12 3.5Z"],
  info: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z", "M12 11.5V16", "M12 8v.01"],
  lock: ["M6.5 10.5h11A1.5 1.5 0 0 1 19 12v7a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 19v-7a1.5 1.5 0 0 1 1.5-1.5Z", "M8 10.5V7.5a4 4 0 0 1 8 0v3", "M12 14.5v2"],
  moon: ["M19.5 14A8 8 0 0 1 10 4.5a8 8 0 1 0 9.5 9.5Z"],
  offline: ["M3 3l18 18", "M5 12.5a10 10 0 0 1 4-2.4M14.5 10a10 10 0 0 1 4.5 2.5", "M8.5 16a5 5 0 0 1 5-1.2", "M2.5 8.5a14 14 0 0 1 3.5-2.2M11 5a14 14 0 0 1 10.5 3.5", "M12 19.5v.01"],
  pencil: ["M15.5 5.5l3 3L8 19H5v-3Z"],
  person: ["M12 11.5a3.7 3.7 0 1 0 0-7.4 3.7 3.7 0 0 0 0 7.4Z", "M4.5 20c.6-3.8 3.4-5.8 7.5-5.8s6.9 2 7.5 5.8"],
  phone: ["M8.7 4.5 6 4.8c-1 .1-1.7 1-1.6 2 .8 7 6 12.2 12.9 12.9 1 .1 1.9-.6 2-1.6l.3-2.6-4.1-1.9-1.9 1.9c-2.5-1.2-3.9-2.6-5-5l1.9-1.9Z"],
  retry: ["M19.5 12A7.5 7.5 0 1 1 17 6.4L19.5 9", "M19.5 4.5V9H15"],
  shield: ["M12 3.5 5 6v5.5c0 4.3 2.7 7.5 7 9 4.3-1.5 7-4.7 7-9V6Z", "m9 12 2.2 2.2 4-4.4"],
  eye: ["M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z", "M12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6Z"],
} satisfies Record<string, readonly string[]>;

/** Those that no first screen draws: see laterIcons.ts. */
export type LaterIcon = "archive" | "bell" | "bell-off" | "checks" | "code" | "down" | "download" | "file" | "files" | "image" | "leave" | "menu" | "people" | "plus" | "send" | "settings" | "trash" | "verified";
export type ConsoleIcon = "eye-off" | "next" | "search" | "swap" | "copy" | "inbox" | "keyboard" | "panel";
export type IconName = keyof typeof icons | LaterIcon | ConsoleIcon;

const drawn: Partial<Record<IconName, readonly string[]>> = icons;

/** Adds those that only some screens draw, so that the others do not load them. */
export function addIcons<Name extends LaterIcon | ConsoleIcon>(more: Readonly<Record<Name, readonly string[]>>): void {
  Object.assign(drawn, more);
}

export function strokes(name: IconName): readonly string[] {
  return drawn[name] ?? [];
}

export const mirrored: ReadonlySet<IconName> = new Set<IconName>(["back", "next", "send", "leave", "swap", "panel"]);
