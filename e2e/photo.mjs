// Makes a JPEG with a place in it, as phones do, so that a story can look for
// the place after the photo was sent.

/** A small real JPEG, drawn by the browser. */
async function draw(page) {
  const bytes = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(320, 240);
    const ink = canvas.getContext("2d");
    for (let x = 0; x < 320; x += 20) {
      ink.fillStyle = `hsl(${x} 60% 60%)`;
      ink.fillRect(x, 0, 20, 240);
    }
    const blob = await canvas.convertToBlob({ type: "image/jpeg" });
    return [...new Uint8Array(await blob.arrayBuffer())];
  });
  return Buffer.from(bytes);
}

/** Puts an EXIF segment with the text as its image description after SOI. */
function withExif(jpeg, text) {
  const value = Buffer.from(`${text}\0`, "latin1");
  const tiff = Buffer.alloc(8 + 2 + 12 + 4);
  tiff.write("MM", 0, "latin1");
  tiff.writeUInt16BE(42, 2);
  tiff.writeUInt32BE(8, 4);
  tiff.writeUInt16BE(1, 8);
  tiff.writeUInt16BE(0x010e, 10); // ImageDescription
  tiff.writeUInt16BE(2, 12); // ASCII
  tiff.writeUInt32BE(value.length, 14);
  tiff.writeUInt32BE(tiff.length, 18);
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff, value]);
  const head = Buffer.alloc(4);
  head.writeUInt16BE(0xffe1, 0);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

export async function photoWithPlace(page, name, place) {
  return { name, mimeType: "image/jpeg", buffer: withExif(await draw(page), place) };
}
