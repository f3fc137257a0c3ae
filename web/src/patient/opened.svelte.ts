// A file that somebody wants to see. Pictures open here; the rest is saved.
// What arrived is looked at again before it is opened: the sender's device may
// have said anything.

import type { Message } from "../core/shared/protocol.ts";
import { toast } from "../ui/toasts.svelte.ts";
import { t } from "../ui/words.svelte.ts";
import { headBytes, nameFor, typeOf } from "./model/files.ts";

export class FilesOpened {
  /** The picture's name; undefined while none is open. */
  name = $state<string>();
  picture = $state.raw<Blob>();

  constructor(private readonly load: (message: Message) => Promise<Blob>) {}

  async open(message: Message): Promise<void> {
    if (message.body.kind !== "file") return;
    const { file } = message.body;
    const picture = file.mediaType.startsWith("image/");
    if (picture) this.name = file.name;
    try {
      const blob = await this.load(message);
      const type = typeOf(new Uint8Array(await blob.slice(0, headBytes).arrayBuffer()));
      if (!type) throw new Error("not a type we open");
      const typed = new Blob([blob], { type });
      if (type === "application/pdf") {
        this.close();
        save(typed, nameFor(file.name, type));
      } else if (this.name !== undefined) {
        this.picture = typed;
      }
    } catch {
      this.close();
      toast(t("patient.file.not-opened"), { label: t("ui.retry"), run: () => void this.open(message) });
    }
  }

  save(): void {
    if (this.picture && this.name) save(this.picture, this.name);
  }

  close(): void {
    this.name = undefined;
    this.picture = undefined;
  }
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
