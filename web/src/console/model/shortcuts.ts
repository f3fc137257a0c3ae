// The keyboard map and what recognises it. Single keys count only while no
// field has the focus and may be turned off; chords with Ctrl, Cmd or Alt count
// everywhere. Works without a DOM.

export const commandIds = [
  "palette",
  "help",
  "next",
  "previous",
  "open",
  "take",
  "reply",
  "close",
  "undo",
  "filter",
  "go-waiting",
  "go-mine",
  "go-team",
  "go-closed",
  "go-settings",
  "toggle-list",
  "toggle-details",
  "next-pane",
  "previous-pane",
  "next-chat",
  "previous-chat",
  "send",
  "recall",
  "lock",
  "leave",
] as const;

export type CommandId = (typeof commandIds)[number];

/** A chord is modifiers and a key, joined by "+"; a space parts the keys of a sequence. */
interface Binding {
  readonly command: CommandId;
  readonly keys: readonly string[];
  /** Counts in fields too. */
  readonly everywhere?: boolean;
  /** Only shown in the list of keys: what has the focus carries it out itself. */
  readonly listed?: "only";
}

export const bindings: readonly Binding[] = [
  { command: "palette", keys: ["mod+k"], everywhere: true },
  { command: "help", keys: ["?"] },
  { command: "next", keys: ["j"] },
  { command: "previous", keys: ["k"] },
  { command: "open", keys: ["Enter", "o"], listed: "only" },
  { command: "take", keys: ["t"] },
  { command: "reply", keys: ["r"] },
  { command: "close", keys: ["e"] },
  { command: "undo", keys: ["z"] },
  { command: "filter", keys: ["/"] },
  { command: "go-waiting", keys: ["g w"] },
  { command: "go-mine", keys: ["g m"] },
  { command: "go-team", keys: ["g t"] },
  { command: "go-closed", keys: ["g c"] },
  { command: "go-settings", keys: ["g s"] },
  { command: "toggle-list", keys: ["["] },
  { command: "toggle-details", keys: ["]"] },
  { command: "next-pane", keys: ["F6"], everywhere: true },
  { command: "previous-pane", keys: ["shift+F6"], everywhere: true },
  { command: "next-chat", keys: ["alt+ArrowDown"], everywhere: true },
  { command: "previous-chat", keys: ["alt+ArrowUp"], everywhere: true },
  { command: "send", keys: ["mod+Enter"], listed: "only" },
  { command: "recall", keys: ["ArrowUp"], listed: "only" },
  { command: "lock", keys: ["mod+shift+l"], everywhere: true },
  { command: "leave", keys: ["Escape"], everywhere: true },
];

/** What is needed of a KeyboardEvent. */
export interface Key {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly isComposing?: boolean;
  readonly repeat?: boolean;
}

/** How long the second key of a sequence may take. */
const sequenceMs = 1500;

export class Recogniser {
  private readonly apple: boolean;
  private readonly now: () => number;
  private first: { chord: string; at: number } | undefined;

  constructor(options: { apple: boolean; now: () => number }) {
    this.apple = options.apple;
    this.now = options.now;
  }

  /**
   * The command of a key, if it is one's. `inField` says that the focus is where
   * text is typed; `singleKeys` that keys without Ctrl or Alt count at all.
   */
  press(key: Key, inField: boolean, singleKeys: boolean): CommandId | undefined {
    if (key.isComposing) return undefined;
    const chord = this.chordOf(key);
    if (chord === undefined) return undefined;
    const first = this.first && this.now() - this.first.at <= sequenceMs ? this.first.chord : undefined;
    this.first = undefined;
    const allowed = bindings.filter((b) => b.listed !== "only" && (b.everywhere || (!inField && singleKeys)));
    if (first !== undefined) {
      const found = allowed.find((b) => b.keys.includes(`${first} ${chord}`));
      if (found) return found.command;
    }
    const found = allowed.find((b) => b.keys.includes(chord));
    if (found) return found.command;
    if (allowed.some((b) => b.keys.some((k) => k.startsWith(`${chord} `)))) {
      this.first = { chord, at: this.now() };
    }
    return undefined;
  }

  private chordOf(key: Key): string | undefined {
    const name = nameOf(key);
    if (name === undefined) return undefined;
    const mod = this.apple ? key.metaKey : key.ctrlKey;
    const other = this.apple ? key.ctrlKey : key.metaKey;
    if (other) return undefined;
    let chord = name;
    // Shift is part of a printed character ("?"), not of its chord.
    if (key.shiftKey && (name.length > 1 || /[a-z]/.test(name))) chord = `shift+${chord}`;
    if (key.altKey) chord = `alt+${chord}`;
    if (mod) chord = `mod+${chord}`;
    return chord;
  }
}

// A letter by what it prints, or by its place where the keyboard prints another
// script, so that the keys work on an Arabic keyboard too.
function nameOf(key: Key): string | undefined {
  if (/^(Enter|Escape|ArrowUp|ArrowDown|F6)$/.test(key.key)) return key.key;
  if (key.key === "؟") return "?";
  if (key.key.length === 1 && key.key.charCodeAt(0) < 128) return key.key.toLowerCase();
  if (key.key.length > 2) return undefined;
  const letter = /^Key([A-Z])$/.exec(key.code);
  if (letter?.[1]) return letter[1].toLowerCase();
  const places: Record<string, string> = { Slash: "/", BracketLeft: "[", BracketRight: "]" };
  return places[key.code];
}

/** A chord's keys as they are printed: ["Ctrl", "K"]. A sequence is two lists. */
export function printed(keys: string, apple: boolean): string[][] {
  return keys.split(" ").map((chord) => chord.split(/\+(?=.)/).map((part) => face(part, apple)));
}

function face(part: string, apple: boolean): string {
  switch (part) {
    case "mod":
      return apple ? "⌘" : "Ctrl";
    case "alt":
      return apple ? "⌥" : "Alt";
    case "shift":
      return apple ? "⇧" : "Shift";
    case "ArrowUp":
      return "↑";
    case "ArrowDown":
      return "↓";
    case "Escape":
      return "Esc";
    default:
      return part.length === 1 ? part.toUpperCase() : part;
  }
}

/** The chord as aria-keyshortcuts wants it: "Control+K". */
export function ariaKeys(command: CommandId, apple: boolean): string | undefined {
  const keys = bindings.find((b) => b.command === command)?.keys.filter((k) => !k.includes(" "));
  if (!keys?.length) return undefined;
  const names: Record<string, string> = { mod: apple ? "Meta" : "Control", alt: "Alt", shift: "Shift" };
  return keys.map((k) => k.split(/\+(?=.)/).map((p) => names[p] ?? (p.length === 1 ? p.toUpperCase() : p)).join("+")).join(" ");
}
