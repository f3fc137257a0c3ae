// The table of what was measured beside what is allowed. What no machine can
// make better or worse fails when it is over. Times are printed, because a
// shared machine lends its noise to them; SOTTO_BUDGETS=strict makes those fail
// that are more than twice their budget.

const generous = 2;

export class Table {
  rows = [];
  details = [];
  strict = process.env.SOTTO_BUDGETS === "strict";

  /** A time in milliseconds. */
  time(what, measured, budget) {
    this.#add({ what, measured, budget, unit: "ms", over: measured > budget, failed: this.strict && measured > generous * budget });
  }

  /** Something that must not be more, on any machine. */
  most(what, measured, budget) {
    this.#add({ what, measured, budget, unit: "", over: measured > budget, failed: measured > budget });
  }

  /** A score that must not be less; of time, it fails as times do. */
  least(what, measured, budget, { time = false } = {}) {
    this.#add({ what, measured, budget, unit: "", sign: "≥", over: measured < budget, failed: time ? this.strict && measured < budget / generous : measured < budget });
  }

  /** Measured, and nothing is asked of it. */
  note(what, measured) {
    this.#add({ what, measured, unit: "ms", over: false, failed: false });
  }

  detail(line) {
    this.details.push(line);
  }

  #add(row) {
    this.rows.push({ sign: "≤", ...row, failed: row.failed || Number.isNaN(row.measured) });
  }

  print() {
    const number = (value) => (Number.isInteger(value) ? String(value) : value < 10 ? value.toFixed(value < 1 ? 3 : 1) : String(Math.round(value)));
    console.log("\nBudgets: on a line of 1.6 Mbit/s with 150 ms, a processor four times slower, where nothing else is said");
    for (const { what, measured, budget, unit, sign, over, failed } of this.rows) {
      const verdict = failed ? "FAIL" : over ? "over" : budget === undefined ? "" : "ok";
      console.log(`  ${verdict.padEnd(4)} ${number(measured).padStart(7)} ${unit.padEnd(2)} ${budget === undefined ? "" : `${sign} ${String(budget).padStart(5)}`.padEnd(8)} ${what}`);
    }
    for (const line of this.details) console.log(`       ${line}`);
    const over = this.rows.filter((row) => row.over && !row.failed).length;
    if (over > 0) console.log(`  ${over} above budget on this machine at this moment, not failed: times are a benchmark (SOTTO_BUDGETS=strict fails at twice a budget)`);
    return this.rows.every((row) => !row.failed);
  }
}
