// Files that were picked and have not been sent: each is looked at here, on
// the person's own device, before it may go.

import type { FileInfo } from "../../core/shared/protocol.ts";
import { headBytes, judge, nameFor, type FileProblem } from "./check.ts";
import { preparePhoto } from "./photo.ts";

interface Base {
  readonly id: number;
  readonly name: string;
}

export type StagedFile =
  | (Base & { state: "preparing" })
  /** cleaned: it was a photo, and is now one without place and camera data. */
  | (Base & { state: "ready"; info: FileInfo; blob: Blob; cleaned: boolean })
  | (Base & { state: "refused"; problem: FileProblem });

export type ReadyFile = Extract<StagedFile, { state: "ready" }>;

/** How many files go with one press of Send. */
export const mostFiles = 10;

export class Staging {
  files = $state.raw<readonly StagedFile[]>([]);
  private last = 0;

  constructor(private readonly max: () => number) {}

  get maxBytes(): number {
    return this.max();
  }

  get ready(): readonly ReadyFile[] {
    return this.files.filter((file): file is ReadyFile => file.state === "ready");
  }

  async add(files: readonly File[]): Promise<void> {
    for (const file of files) {
      const id = ++this.last;
      const { name } = file;
      if (this.files.filter(({ state }) => state !== "refused").length >= mostFiles) {
        this.files = [...this.files, { id, name, state: "refused", problem: "too-many" }];
        continue;
      }
      this.files = [...this.files, { id, name, state: "preparing" }];
      const checked = await this.check(id, file);
      this.files = this.files.map((each) => (each.id === id ? checked : each));
    }
  }

  remove(id: number): void {
    this.files = this.files.filter((file) => file.id !== id);
  }

  /** Hands out what is ready, and forgets it together with what was refused. */
  take(): readonly ReadyFile[] {
    const ready = this.ready;
    this.files = this.files.filter((file) => file.state === "preparing");
    return ready;
  }

  private async check(id: number, file: File): Promise<StagedFile> {
    const { name } = file;
    try {
      const head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
      const verdict = judge(file.size, head, this.maxBytes);
      if ("problem" in verdict) return { id, name, state: "refused", problem: verdict.problem };
      if (verdict.type === "application/pdf") {
        const safe = nameFor(name, verdict.type);
        const info: FileInfo = { name: safe, mediaType: verdict.type, size: file.size };
        return { id, name: safe, state: "ready", info, blob: new Blob([file], { type: verdict.type }), cleaned: false };
      }
      const photo = await preparePhoto(file, verdict.type);
      if (photo.blob.size > this.maxBytes) return { id, name, state: "refused", problem: "too-large" };
      const safe = nameFor(name, photo.type);
      const { blob, width, height, preview } = photo;
      return { id, name: safe, state: "ready", info: { name: safe, mediaType: photo.type, size: blob.size, width, height, preview }, blob, cleaned: true };
    } catch {
      return { id, name, state: "refused", problem: "unreadable" };
    }
  }
}
