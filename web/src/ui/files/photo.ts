// Draws a photo anew, so that nothing but the picture is left of it: no place,
// no camera, no thumbnail of an earlier cut.

import type { MediaType } from "./check.ts";

export interface Photo {
  readonly type: "image/jpeg" | "image/png";
  readonly blob: Blob;
  readonly width: number;
  readonly height: number;
  /** A small JPEG that travels inside the message. */
  readonly preview: Uint8Array;
}

/** More than any screen shows, and within what phones can draw. */
const longestSide = 4096;
const previewSide = 480;

function scaled(width: number, height: number, longest: number): [number, number] {
  const factor = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))];
}

function draw(picture: ImageBitmap, width: number, height: number, ground?: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  if (ground) {
    context.fillStyle = ground;
    context.fillRect(0, 0, width, height);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  return canvas;
}

function encode(canvas: HTMLCanvasElement, type: string, quality?: number): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob?.type === type ? resolve(blob) : reject(new Error("not encoded"))), type, quality);
  });
}

/** Throws if the browser cannot read the picture. */
export async function preparePhoto(file: Blob, type: MediaType): Promise<Photo> {
  const picture = await createImageBitmap(file);
  try {
    const [width, height] = scaled(picture.width, picture.height, longestSide);
    const [smallWidth, smallHeight] = scaled(picture.width, picture.height, previewSide);
    const out = type === "image/png" ? "image/png" : "image/jpeg";
    const white = out === "image/jpeg" ? "#fff" : undefined;
    const blob = await encode(draw(picture, width, height, white), out, 0.88);
    const small = await encode(draw(picture, smallWidth, smallHeight, "#fff"), "image/jpeg", 0.6);
    return { type: out, blob, width, height, preview: new Uint8Array(await small.arrayBuffer()) };
  } finally {
    picture.close();
  }
}
