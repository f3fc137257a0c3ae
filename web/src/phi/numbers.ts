// What a number may be, by its form and its check digits alone. The words
// around it are looked at by the scanner.

/** The last digit of cards checks the others (ISO/IEC 7812-1, annex B). */
function luhn(digits: string): boolean {
  let sum = 0;
  [...digits].reverse().forEach((c, i) => {
    const d = Number(c) * (i % 2 === 1 ? 2 : 1);
    sum += d > 9 ? d - 9 : d;
  });
  return sum % 10 === 0;
}

/** A payment card: how the number begins, its length, its last digit. */
export function isCard(digits: string): boolean {
  const n = digits.length;
  if (n < 13 || n > 19) return false;
  const head = Number(digits.slice(0, 4));
  const two = Math.floor(head / 100);
  const three = Math.floor(head / 10);
  const known =
    (digits.startsWith("4") && (n === 13 || n === 16 || n === 19)) ||
    (((two >= 51 && two <= 55) || (head >= 2221 && head <= 2720)) && n === 16) ||
    ((two === 34 || two === 37) && n === 15) ||
    ((head === 6011 || two === 65 || (three >= 644 && three <= 649) || two === 35) && n >= 16) ||
    (((three >= 300 && three <= 305) || two === 36 || two === 38 || two === 39) && n >= 14);
  return known && luhn(digits);
}

/** Nine digits that the Social Security Administration or the IRS may have given out. */
export function couldBeSSN(digits: string): boolean {
  if (digits.length !== 9) return false;
  const area = digits.slice(0, 3);
  const group = Number(digits.slice(3, 5));
  if (area === "000" || area === "666" || group === 0 || digits.endsWith("0000")) return false;
  if (!area.startsWith("9")) return true;
  return (group >= 50 && group <= 65) || (group >= 70 && group <= 88) || (group >= 90 && group !== 93); // ITIN
}

/** Ten digits of the North American numbering plan, with or without the 1. */
export function couldBePhone(digits: string): boolean {
  const ten = digits.length === 11 && digits.startsWith("1") ? digits.slice(1) : digits;
  return ten.length === 10 && /^[2-9]\d\d[2-9]/.test(ten) && ten.slice(4, 6) !== "11";
}

/** The year of three numbers that can be a date, whichever way it is written; undefined if they cannot. */
export function yearOfDate(parts: readonly string[]): number | undefined {
  const [a = "", b = "", c = ""] = parts;
  const [year, one, two] = a.length === 4 ? [a, b, c] : [c, a, b];
  if (year.length !== 2 && year.length !== 4) return undefined;
  const dayAndMonth = (day: number, month: number): boolean => day >= 1 && day <= 31 && month >= 1 && month <= 12;
  if (one.length > 2 || two.length > 2) return undefined;
  if (!dayAndMonth(Number(one), Number(two)) && !dayAndMonth(Number(two), Number(one))) return undefined;
  return Number(year);
}
