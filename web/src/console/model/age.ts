// How long ago something was: a short form for the eye, which stands still in
// its column while it ticks, and words for a screen reader.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A span in its two largest units that matter to a queue. */
export interface Age {
  readonly unit: "second" | "minute" | "hour" | "day";
  readonly value: number;
}

/** The age of a time, never negative: clocks differ. Both in Unix milliseconds. */
export function ageOf(at: number, now: number): Age {
  const span = Math.max(0, now - at);
  if (span < minute) return { unit: "second", value: Math.floor(span / second) };
  if (span < hour) return { unit: "minute", value: Math.floor(span / minute) };
  if (span < day) return { unit: "hour", value: Math.floor(span / hour) };
  return { unit: "day", value: Math.floor(span / day) };
}

/** "03:12" within the hour, "2:05 h" after it as hours and minutes, then days. */
export function clock(at: number, now: number, locale: string): string {
  const span = Math.max(0, now - at);
  const two = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2, useGrouping: false });
  if (span < hour) {
    return `${two.format(Math.floor(span / minute))}:${two.format(Math.floor((span % minute) / second))}`;
  }
  return short(ageOf(at, now), locale);
}

/** "5m", "3h", "2d" in the words of the locale. */
export function short(age: Age, locale: string): string {
  return new Intl.NumberFormat(locale, { style: "unit", unit: age.unit, unitDisplay: "narrow" }).format(age.value);
}

/** "5 minutes" in the words of the locale. */
export function long(age: Age, locale: string): string {
  return new Intl.NumberFormat(locale, { style: "unit", unit: age.unit, unitDisplay: "long" }).format(age.value);
}

export type Urgency = "fresh" | "long" | "late";

/**
 * How a wait compares with what the practice says is usual. Without a usual
 * wait ten minutes count as usual.
 */
export function urgencyOf(waitingFrom: number, now: number, usualMinutes: number): Urgency {
  const usual = (usualMinutes > 0 ? usualMinutes : 10) * minute;
  const span = now - waitingFrom;
  if (span >= 2 * usual) return "late";
  return span >= usual ? "long" : "fresh";
}
