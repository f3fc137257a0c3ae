import type { Core } from "../../core/shared/protocol.ts";
import type { Memo } from "./memo.ts";
import type { Unkept } from "./unkept.ts";
import type { ConsentForm, Practice } from "./practice.ts";

/** What a session needs of the browser and of the practice's server. */
export interface World {
  readonly slug: string;
  /** Pinned by the page that embeds the chat. */
  readonly authority?: string | undefined;
  readonly memo: Memo;
  /** Absent: what the core has not taken goes with the page. */
  readonly unkept?: Unkept;
  readonly deviceName: string;
  /** Deletes what the core keeps, where the core cannot. Rejects while a tab has it open. */
  erase?(): Promise<void>;
  /** Throws a PracticeError. */
  loadPractice(slug: string): Promise<Practice>;
  /** A published version of a form. Throws a PracticeError. */
  loadForm(slug: string, form: string, version: number): Promise<ConsentForm>;
  /** Somebody said no to a form. */
  noteDeclined(slug: string, form: ConsentForm): void;
  connect(): Core;
  supported(): boolean;
  storageWorks(): Promise<boolean>;
  sha256(bytes: Uint8Array): Promise<Uint8Array>;
  /** BCP 47, as the page is shown now. */
  language(): string;
  now(): number;
}
