// What may be sent as a file, decided by its bytes and never by its name.

export type MediaType = "image/jpeg" | "image/png" | "image/webp" | "image/gif" | "image/heic" | "application/pdf";

/** Why a file was not taken. */
export type FileProblem = "too-many" | "too-large" | "wrong-type" | "unreadable" | "empty";

/** Enough bytes to tell a type. */
export const headBytes = 32;

const starts = (head: Uint8Array, ...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
const ascii = (head: Uint8Array, from: number, length: number): string => String.fromCharCode(...head.subarray(from, from + length));

const heifBrands = new Set(["heic", "heix", "heim", "heis", "hevc", "mif1", "msf1"]);

/** The type that the first bytes show; undefined if we do not take it. */
export function typeOf(head: Uint8Array): MediaType | undefined {
  if (starts(head, 0xff, 0xd8, 0xff)) return "image/jpeg";
  if (starts(head, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "image/png";
  if (ascii(head, 0, 4) === "RIFF" && ascii(head, 8, 4) === "WEBP") return "image/webp";
  if (ascii(head, 0, 6) === "GIF87a" || ascii(head, 0, 6) === "GIF89a") return "image/gif";
  if (ascii(head, 0, 5) === "%PDF-") return "application/pdf";
  if (ascii(head, 4, 4) === "ftyp" && heifBrands.has(ascii(head, 8, 4))) return "image/heic";
  return undefined;
}

export function judge(size: number, head: Uint8Array, maxBytes: number): { type: MediaType } | { problem: FileProblem } {
  if (size === 0) return { problem: "empty" };
  if (size > maxBytes) return { problem: "too-large" };
  const type = typeOf(head);
  return type ? { type } : { problem: "wrong-type" };
}

const endings: Record<MediaType, readonly string[]> = {
  "image/jpeg": ["jpg", "jpeg"],
  "image/png": ["png"],
  "image/webp": ["webp"],
  "image/gif": ["gif"],
  "image/heic": ["heic", "heif"],
  "application/pdf": ["pdf"],
};

/**
 * The name to give a file: without folders or control characters, at most 100
 * characters, and with an ending that tells the truth about its type.
 */
export function nameFor(name: string, type: MediaType): string {
  const last = name.split(/[\\/]/).pop() ?? "";
  // Marks that turn the line of writing could make "fdp.exe" read "exe.pdf".
  const clean = [...last.replace(/[\p{Cc}\p{Cf}]/gu, "")].slice(0, 100).join("").trim();
  const dot = clean.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [clean.slice(0, dot), clean.slice(dot + 1).toLowerCase()] : [clean, ""];
  if (endings[type].includes(ending)) return clean;
  return `${stem || "file"}.${endings[type][0]}`;
}
