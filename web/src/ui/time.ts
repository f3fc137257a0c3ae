// Dates and times in words, by Intl, in the person's language.

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language, options);
    formats.set(key, found);
  }
  return found;
}

/** 10:03 AM. */
export function clock(language: string, at: number, timeZone?: string): string {
  return format(language, { hour: "numeric", minute: "2-digit", timeZone }).format(at);
}

/** March 2, 2027. */
export function date(language: string, at: number, timeZone?: string): string {
  return format(language, { dateStyle: "long", timeZone }).format(at);
}

/** March 2, 2027 at 10:03:07 AM EST: for what is kept as proof. */
export function moment(language: string, at: number): string {
  return format(language, { dateStyle: "long", timeStyle: "long" }).format(at);
}

/** Whole days by this device's calendar: 0 is today, 1 yesterday. */
export function daysAgo(at: number, now: number): number {
  const midnight = (ms: number): number => new Date(ms).setHours(0, 0, 0, 0);
  return Math.round((midnight(now) - midnight(at)) / 86_400_000);
}

/** Today, Yesterday, Monday, or the date, with a capital where that is usual. */
export function day(language: string, at: number, now: number): string {
  const ago = daysAgo(at, now);
  if (ago === 0 || ago === 1) {
    const word = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-ago, "day");
    return word.charAt(0).toLocaleUpperCase(language) + word.slice(1);
  }
  if (ago > 1 && ago < 7) return format(language, { weekday: "long" }).format(at);
  return date(language, at);
}

/** The clock alone today, else with the day. */
export function dayAndClock(language: string, at: number, now: number): string {
  if (daysAgo(at, now) === 0) return clock(language, at);
  return format(language, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" }).format(at);
}

/** "Monday, 8:00 AM", by the clock of the time zone, which is named where it is not this device's. */
export function weekdayAndClock(language: string, at: number, timeZone: string): string {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return format(language, { weekday: "long", hour: "numeric", minute: "2-digit", timeZone, ...(timeZone === here ? {} : { timeZoneName: "short" }) }).format(at);
}

/** "5 min", "2 hr", for how long something has waited. */
export function waited(language: string, ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  const [value, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 1440 ? [Math.floor(minutes / 60), "hour"] : [Math.floor(minutes / 1440), "day"];
  return new Intl.NumberFormat(language, { style: "unit", unit: unit as string, unitDisplay: "short" }).format(value as number);
}

/** "1.4 MB", counted as people count them, by thousands. */
export function bytes(language: string, count: number): string {
  const [value, unit] = count < 1_000_000 ? [Math.max(1, Math.round(count / 1000)), "kilobyte"] : [count / 1_000_000, "megabyte"];
  return new Intl.NumberFormat(language, { style: "unit", unit: unit as string, unitDisplay: "short", maximumFractionDigits: 1 }).format(value as number);
}

export function percent(language: string, part: number): string {
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(part);
}
