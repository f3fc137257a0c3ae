import { headBytes, nameFor, typeOf } from "./check.ts";

/**
 * What came as a file, looked at again on this device: the sender's may have
 * said anything. Undefined if it is nothing that we open.
 */
export async function checked(blob: Blob, name: string): Promise<{ blob: Blob; name: string; picture: boolean } | undefined> {
  const type = typeOf(new Uint8Array(await blob.slice(0, headBytes).arrayBuffer()));
  if (!type) return undefined;
  return { blob: new Blob([blob], { type }), name: nameFor(name, type), picture: type !== "application/pdf" && type !== "image/heic" };
}

/** Gives a file to the person to keep. */
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
