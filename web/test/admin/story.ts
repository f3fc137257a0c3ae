// A screen of the administrators' page: where it is, who looks, what the
// server says, and what the person then does.

import type { StoryPage } from "../page.ts";

/** An answer of the server: a body, a refusal, or silence. */
export type Answer = { readonly [field: string]: unknown } | Refusal | "never";

export interface Refusal {
  readonly refused: number;
  readonly code: string;
}

export interface Story {
  readonly hash: string;
  /** Who looks; see people in server.ts. The administrator unless said. */
  readonly as?: "administrator" | "compliance" | "auditor" | "supervisor" | "nurse";
  /** False: nobody is signed in. */
  readonly signedIn?: boolean;
  /** By "GET /v1/admin/people"; those that every story needs are there already. */
  readonly answers?: Readonly<Record<string, Answer | ((body: unknown) => Answer)>>;
  readonly then?: (page: StoryPage) => Promise<void> | void;
}
