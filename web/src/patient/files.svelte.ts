// Files in the chat: those that will go with the next press of Send, and one
// that somebody wants to see. Pictures open here; the rest is saved. What
// arrived is looked at again before it is opened: the sender's device may have
// said anything.

import { failureOf } from "../core/shared/failure.ts";
import type { Message } from "../core/shared/protocol.ts";
import { toast } from "../ui/toasts.svelte.ts";
import { t } from "../ui/words.svelte.ts";
import { checked, save } from "../ui/files/received.ts";
import { Staging } from "../ui/files/staging.svelte.ts";
import ImageViewer from "../ui/ImageViewer.svelte";
import StagedFiles from "./parts/StagedFiles.svelte";

class Opened {
  /** The picture's name; undefined while none is open. */
  name = $state<string>();
  picture = $state.raw<Blob>();

  private loading: Message | undefined;

  constructor(
    private readonly load: (message: Message) => Promise<Blob>,
    private readonly stop: (message: Message) => void,
  ) {}

  async open(message: Message): Promise<void> {
    if (message.body.kind !== "file") return;
    const { file } = message.body;
    const picture = file.mediaType.startsWith("image/");
    if (picture) {
      this.name = file.name;
      this.loading = message;
    }
    try {
      const blob = await this.load(message);
      this.loading = undefined;
      const opened = await checked(blob, file.name);
      if (!opened) throw new Error("not a type we open");
      if (!opened.picture) {
        this.close();
        save(opened.blob, opened.name);
      } else if (this.name !== undefined) {
        this.picture = opened.blob;
      }
    } catch (error) {
      this.loading = undefined;
      this.close();
      if (failureOf(error) === "cancelled") return;
      toast(t("patient.file.not-opened"), { label: t("ui.retry"), run: () => void this.open(message) });
    }
  }

  save(): void {
    if (this.picture && this.name) save(this.picture, this.name);
  }

  /** Closes the picture, and brings down no more of one that is on its way. */
  close(): void {
    if (this.loading) this.stop(this.loading);
    this.loading = undefined;
    this.name = undefined;
    this.picture = undefined;
  }
}

export class Files {
  readonly staging: Staging;
  readonly opened: Opened;
  readonly Staged = StagedFiles;
  readonly Viewer = ImageViewer;

  /** Files of at most so many bytes may be sent; load gets one that was received, and stop ends that. */
  constructor(max: () => number, load: (message: Message) => Promise<Blob>, stop: (message: Message) => void) {
    this.staging = new Staging(max);
    this.opened = new Opened(load, stop);
  }
}
