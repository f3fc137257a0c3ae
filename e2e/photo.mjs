// Makes photos with a place in them, as phones do, so that a story can look for
// the place after the photo was sent.

/** A small real picture, drawn by the browser. */
async function draw(page, type) {
  const bytes = await page.evaluate(async (type) => {
    const canvas = new OffscreenCanvas(320, 240);
    const ink = canvas.getContext("2d");
    for (let x = 0; x < 320; x += 20) {
      ink.fillStyle = `hsl(${x} 60% 60%)`;
      ink.fillRect(x, 0, 20, 240);
    }
    const blob = await canvas.convertToBlob({ type });
    return [...new Uint8Array(await blob.arrayBuffer())];
  }, type);
  return Buffer.from(bytes);
}

/** One entry of a TIFF directory; a value that does not fit in four bytes stands at an offset. */
function entry(tag, type, count, value) {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(tag, 0);
  bytes.writeUInt16BE(type, 2);
  bytes.writeUInt32BE(count, 4);
  if (Buffer.isBuffer(value)) value.copy(bytes, 8);
  else bytes.writeUInt32BE(value, 8);
  return bytes;
}

function directory(...entries) {
  const count = Buffer.alloc(2);
  count.writeUInt16BE(entries.length);
  return Buffer.concat([count, ...entries, Buffer.alloc(4)]);
}

const [ascii, long, rational] = [2, 4, 5];

/** Degrees, minutes and seconds as three fractions, as a camera writes them. */
function angle(degrees) {
  const minutes = (degrees % 1) * 60;
  const bytes = Buffer.alloc(24);
  [[Math.floor(degrees), 1], [Math.floor(minutes), 1], [Math.round((minutes % 1) * 6000), 100]].flat().forEach((part, at) => bytes.writeUInt32BE(part, 4 * at));
  return bytes;
}

/** 41.8781 N, 87.6298 W as a camera writes it. */
export const place = { text: "41.8781N 87.6298W", latitude: angle(41.8781), longitude: angle(87.6298) };

/** The place as EXIF: as an image description, and as a GPS directory. */
function exif() {
  const text = Buffer.from(`${place.text}\0`, "latin1");
  const head = Buffer.alloc(8);
  head.write("MM", 0, "latin1");
  head.writeUInt16BE(42, 2);
  head.writeUInt32BE(8, 4);
  const gpsAt = 8 + directory(...Array(2).fill(Buffer.alloc(12))).length;
  const valuesAt = gpsAt + directory(...Array(4).fill(Buffer.alloc(12))).length;
  return Buffer.concat([
    head,
    directory(entry(0x010e, ascii, text.length, valuesAt + 48), entry(0x8825, long, 1, gpsAt)), // ImageDescription, GPSInfo
    directory(
      entry(1, ascii, 2, Buffer.from("N\0", "latin1")),
      entry(2, rational, 3, valuesAt),
      entry(3, ascii, 2, Buffer.from("W\0", "latin1")),
      entry(4, rational, 3, valuesAt + 24),
    ),
    place.latitude, place.longitude, text,
  ]);
}

/** Puts an EXIF segment after SOI. */
function jpegWithExif(jpeg) {
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), exif()]);
  const segment = Buffer.alloc(4);
  segment.writeUInt16BE(0xffe1, 0);
  segment.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), segment, body, jpeg.subarray(2)]);
}

function chunk(type, body) {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), body]);
  let sum = ~0;
  for (const byte of typed) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(body.length);
  check.writeUInt32BE(~sum >>> 0);
  return Buffer.concat([length, typed, check]);
}

/** Puts the place after IHDR, as EXIF and as text. */
function pngWithExif(png) {
  const at = 8 + 25;
  return Buffer.concat([png.subarray(0, at), chunk("eXIf", exif()), chunk("tEXt", Buffer.from(`Comment\0${place.text}`, "latin1")), png.subarray(at)]);
}

/** A JPEG, or a PNG where the name says so. */
export async function photoWithPlace(page, name) {
  const [mimeType, put] = name.endsWith(".png") ? ["image/png", pngWithExif] : ["image/jpeg", jpegWithExif];
  return { name, mimeType, buffer: put(await draw(page, mimeType)) };
}

/** What of the place, the camera's notes or the name of a format for them is in the bytes. */
export function tracesOfPlace(bytes) {
  const all = Buffer.from(bytes);
  const marks = { "an EXIF segment": Buffer.from("Exif"), "an EXIF chunk": Buffer.from("eXIf"), "a text chunk": Buffer.from("tEXt"), "XMP": Buffer.from("http://ns.adobe.com/xap"), "the place as text": Buffer.from("41.8781"), "the latitude": place.latitude, "the longitude": place.longitude };
  return Object.entries(marks).filter(([, mark]) => all.includes(mark)).map(([what]) => what);
}

/** Has pages of a browser keep the bytes of what they show, for {@link pictureBytes}: their policy lets nobody fetch them. */
export function keepPictures(context) {
  return context.addInitScript(() => {
    const make = URL.createObjectURL.bind(URL);
    const kept = (globalThis.keptPictures = new Map());
    URL.createObjectURL = (source) => {
      const url = make(source);
      kept.set(url, source);
      return url;
    };
  });
}

/** The bytes of a picture that a page shows. */
export async function pictureBytes(image) {
  await image.waitFor();
  return Buffer.from(await image.evaluate(async ({ src }) => [...new Uint8Array(await globalThis.keptPictures.get(src).arrayBuffer())]));
}
