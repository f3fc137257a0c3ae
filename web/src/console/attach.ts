// Makes a chosen file ready to be sealed: checks what its bytes say it is, and
// draws pictures anew, which leaves behind where and with what they were taken.

import type { FileInfo } from "../core/shared/protocol.ts";
import { headBytes, judge, nameFor, type FileProblem, type MediaType } from "../patient/model/files.ts";

export interface Ready {
  readonly blob: Blob;
  readonly info: FileInfo;
  /** A picture was drawn anew. */
  readonly redrawn: boolean;
}

export type Prepared = { readonly ready: Ready } | { readonly problem: FileProblem };

/** Longest side of a picture that is sent, in pixels: letters on a photographed page stay readable. */
const longest = 4096;
const previewSide = 360;

export async function prepare(file: File, maxBytes: number): Promise<Prepared> {
  let head: Uint8Array;
  try {
    head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
  } catch {
    return { problem: "unreadable" };
  }
  const verdict = judge(file.size, head, maxBytes);
  if ("problem" in verdict) return verdict;
  if (verdict.type === "application/pdf") {
    const info = { name: nameFor(file.name, verdict.type), mediaType: verdict.type, size: file.size };
    return { ready: { blob: file, info, redrawn: false } };
  }
  try {
    return { ready: await redraw(file, verdict.type) };
  } catch {
    return { problem: "unreadable" };
  }
}

async function redraw(file: File, type: MediaType): Promise<Ready> {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  try {
    const out = type === "image/png" || type === "image/gif" ? "image/png" : "image/jpeg";
    const [blob, width, height] = await draw(picture, longest, out, 0.9);
    const [small] = await draw(picture, previewSide, "image/jpeg", 0.7);
    const preview = new Uint8Array(await small.arrayBuffer());
    return { blob, info: { name: nameFor(file.name, out), mediaType: out, size: blob.size, preview, width, height }, redrawn: true };
  } finally {
    picture.close();
  }
}

async function draw(picture: ImageBitmap, side: number, type: string, quality: number): Promise<[Blob, number, number]> {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  if (type === "image/jpeg") {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(picture, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality));
  if (!blob) throw new Error("not drawn");
  return [blob, width, height];
}
