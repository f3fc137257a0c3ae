// The few facts that a browser remembers of a visit so that the next one starts
// in the right place. None is about health, and none says who the person is.

export interface Memo {
  /** A chat is kept on this device. */
  hasChat: boolean;
  /** The chat was on the screen when this tab was last loaded. */
  inChat: boolean;
  /** "form:version" that was agreed to here. */
  agreed: string | undefined;
  /** What the practice last said of itself, so that the chat opens without a network. Public, and nobody's. */
  practice: unknown;
  /** The person was asked whether they want notes when an answer comes. */
  askedNotes: boolean;
  /** The chat asked who the person is when it was last seen; it keeps the place for it. */
  asksWho: boolean;
  /** How the practice's audit log stood when this browser last checked it. */
  log: string | undefined;
}

/** A Memo that lasts as long as the page. */
export function passingMemo(): Memo {
  return { hasChat: false, inChat: false, agreed: undefined, practice: undefined, askedNotes: false, asksWho: false, log: undefined };
}

/** A Memo in the browser's storage; where that is refused it lasts as long as the page. */
export function browserMemo(slug: string): Memo {
  const passing = passingMemo();
  const get = (area: () => Storage, key: string): string | undefined => {
    try {
      return area().getItem(`sotto.${key}.${slug}`) ?? undefined;
    } catch {
      return undefined;
    }
  };
  const put = (area: () => Storage, key: string, value: string | undefined): void => {
    try {
      if (value === undefined) area().removeItem(`sotto.${key}.${slug}`);
      else area().setItem(`sotto.${key}.${slug}`, value);
    } catch {
      // The page itself remembers.
    }
  };
  const local = (): Storage => localStorage;
  const tab = (): Storage => sessionStorage;
  return {
    get hasChat() {
      return passing.hasChat || get(local, "chat") === "1";
    },
    set hasChat(value) {
      passing.hasChat = value;
      put(local, "chat", value ? "1" : undefined);
    },
    get inChat() {
      return passing.inChat || get(tab, "here") === "1";
    },
    set inChat(value) {
      passing.inChat = value;
      put(tab, "here", value ? "1" : undefined);
    },
    get practice() {
      try {
        return passing.practice ?? (JSON.parse(get(local, "practice") ?? "null") as unknown) ?? undefined;
      } catch {
        return undefined;
      }
    },
    set practice(value) {
      passing.practice = value;
      put(local, "practice", value === undefined ? undefined : JSON.stringify(value));
    },
    get askedNotes() {
      return passing.askedNotes || get(local, "notes") === "1";
    },
    set askedNotes(value) {
      passing.askedNotes = value;
      put(local, "notes", value ? "1" : undefined);
    },
    get asksWho() {
      return passing.asksWho || get(local, "who") === "1";
    },
    set asksWho(value) {
      passing.asksWho = value;
      put(local, "who", value ? "1" : undefined);
    },
    get log() {
      return passing.log ?? get(local, "log");
    },
    set log(value) {
      passing.log = value;
      put(local, "log", value);
    },
    get agreed() {
      return passing.agreed ?? get(local, "agreed");
    },
    set agreed(value) {
      passing.agreed = value;
      put(local, "agreed", value);
    },
  };
}
