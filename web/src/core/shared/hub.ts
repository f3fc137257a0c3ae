// The parts of the hub's API (package api) that the worker itself speaks. What
// it only carries for the core stays untyped here: the core checks it.

/** An RFC 9457 problem, as api.Problem has it. */
export interface Problem {
  readonly code: string;
  readonly status: number;
  readonly epoch?: number;
  readonly head?: number;
  readonly person?: string;
  readonly name?: string;
}

export interface HubEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface EventPage {
  readonly events: readonly HubEvent[];
  readonly cursor: string;
  readonly reset: boolean;
}

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
