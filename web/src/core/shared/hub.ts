// The parts of the hub's API (package api) that the worker itself speaks. What
// it only carries for the core stays untyped here: the core checks it.

import type * as api from "../../api/schema.ts";

/** A refusal (RFC 9457): of a problem's fields, those that the core decides by. */
export type Problem = Pick<api.Problem, "code" | "status"> & Partial<Pick<api.Problem, "epoch" | "head" | "person" | "name">>;

/** An event on its way to the core, which checks all but its type. */
export type HubEvent = Pick<api.Event, "type"> & { readonly [field: string]: unknown };

export type EventPage = Omit<api.EventPage, "events"> & { readonly events: readonly HubEvent[] };

/** The hub refused. That it could not be reached is any other error. */
export class HubError extends Error {
  override readonly name = "HubError";
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.code);
    this.problem = problem;
  }
}

/** Nothing answered, or nobody waited for it. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}
