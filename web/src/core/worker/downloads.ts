// Shows in the log how far a file has come that the person opens. The core
// tells of its uploads itself; of a download it tells only who asked.

import type { CoreEvent, Line, Message, MessageId } from "../shared/protocol.ts";

const most = 500; // files remembered
const everyMs = 100;
const slowMs = 500; // after how long a download is shown of which nothing has come

export class Downloads {
  private readonly emit: (event: CoreEvent) => void;
  private readonly files = new Map<MessageId, Message>();

  constructor(emit: (event: CoreEvent) => void) {
    this.emit = emit;
  }

  /** Remembers a line that the page was given, if it is a file. */
  see(line: Line): void {
    if (line.type !== "message" || line.message.body.kind !== "file") return;
    const { id } = line.message;
    this.files.delete(id);
    this.files.set(id, line.message);
    const [oldest] = this.files.keys();
    if (this.files.size > most && oldest !== undefined) this.files.delete(oldest);
  }

  /** Does the download, which calls progress with 0 to 1, and shows it. */
  async follow<T>(id: MessageId, download: (progress: (part: number) => void) => Promise<T>): Promise<T> {
    let told = 0;
    const show = (part?: number): void => {
      const message = this.files.get(id);
      if (!message) return;
      this.emit({ kind: "line", line: { type: "message", message: part === undefined ? message : { ...message, progress: part } } });
    };
    const slow = setTimeout(() => {
      if (told > 0) return;
      told = Date.now();
      show(0);
    }, slowMs);
    try {
      return await download((part) => {
        const now = Date.now();
        if (now - told < everyMs || part >= 1) return;
        told = now;
        show(part);
      });
    } finally {
      clearTimeout(slow);
      if (told > 0) show();
    }
  }
}
