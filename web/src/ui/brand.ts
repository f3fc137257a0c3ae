// Fits a practice's one colour to both themes, so that text in it, and text on
// it, always passes contrast. The hue stays; the lightness gives way.

type Triple = readonly [number, number, number];

function fromHex(hex: string): Triple | undefined {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex);
  if (!match) return undefined;
  return [match[1], match[2], match[3]].map((part) => linear(parseInt(part ?? "0", 16) / 255)) as unknown as Triple;
}

const linear = (c: number): number => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const gamma = (c: number): number => (c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055);

function toHex(rgb: Triple): string {
  return `#${rgb.map((c) => Math.round(gamma(Math.min(1, Math.max(0, c))) * 255).toString(16).padStart(2, "0")).join("")}`;
}

// OKLab, by Björn Ottosson's published matrices.
function toLab([r, g, b]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromLab([L, a, b]: Triple): Triple {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function luminance(hex: string): number {
  const [r, g, b] = fromHex(hex) ?? [0, 0, 0];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The contrast of two colours by WCAG 2, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** What color-mix(in oklab, colour part, base) gives, for the soft tints. */
export function mix(colour: string, part: number, base: string): string {
  const a = toLab(fromHex(colour) ?? [0, 0, 0]);
  const b = toLab(fromHex(base) ?? [0, 0, 0]);
  return toHex(fromLab(a.map((value, i) => value * part + (b[i] ?? 0) * (1 - part)) as unknown as Triple));
}

/** The grounds that brand-coloured text stands on, and the text on it (tokens.css). */
export const themes = {
  light: { grounds: ["#ffffff", "#f3f5f5", "#e9eeee"], surfaces: ["#ffffff"], on: "#ffffff" },
  dark: { grounds: ["#182125", "#10171a", "#202b30", "#0c1214"], surfaces: ["#182125", "#202b30"], on: "#08191b" },
} as const;

/** How much of the brand is in --brand-soft. */
export const softPart = 0.11;

const enough = 4.6; // 4.5 and a little for rounding

function passes(colour: string, theme: keyof typeof themes): boolean {
  const { grounds, surfaces, on } = themes[theme];
  return (
    contrast(colour, on) >= enough &&
    grounds.every((ground) => contrast(colour, ground) >= enough) &&
    surfaces.every((surface) => contrast(colour, mix(colour, softPart, surface)) >= enough)
  );
}

/** The colour nearest to the given one that passes in the theme; undefined if it is not #rrggbb. */
export function fit(colour: string, theme: keyof typeof themes): string | undefined {
  const rgb = fromHex(colour);
  if (!rgb) return undefined;
  const [L, a, b] = toLab(rgb);
  const way = theme === "light" ? -0.01 : 0.01;
  for (let step = 0; step <= 100; step++) {
    const lightness = L + way * step;
    if (lightness < 0 || lightness > 1) break;
    // Chroma gives way towards black and white, where there is little of it.
    const keep = Math.min(1, 1 - step / 140);
    const candidate = toHex(fromLab([lightness, a * keep, b * keep]));
    if (passes(candidate, theme)) return candidate;
  }
  return theme === "light" ? "#16262b" : "#e9f0f0";
}

/** Sets a practice's colour on the page; without one, or a wrong one, ours stays. */
export function setBrand(root: HTMLElement, colour: string | undefined): void {
  const light = colour && fit(colour, "light");
  const dark = colour && fit(colour, "dark");
  if (!light || !dark) return;
  root.style.setProperty("--brand-on-light", light);
  root.style.setProperty("--brand-on-dark", dark);
}
