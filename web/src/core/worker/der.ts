// ECDSA signatures: WebCrypto gives r and s side by side (IEEE P1363), MLS and
// the hub want ASN.1 DER with the smaller of the two valid values of s, so that
// a signature has one form.

const size = 32; // of r and of s on P-256

const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function toBigInt(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

function fromBigInt(value: bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = Number(value & 0xffn);
    value >>= 8n;
  }
  return bytes;
}

/** Replaces s by n - s if that is smaller. Both make a valid signature. */
export function lowS(s: Uint8Array): Uint8Array {
  const value = toBigInt(s);
  return value > order / 2n ? fromBigInt(order - value) : s;
}

// DER integers are signed and as short as can be.
function integer(bytes: Uint8Array): number[] {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const negative = (bytes[start] ?? 0) >= 0x80;
  const body = [...(negative ? [0] : []), ...bytes.subarray(start)];
  return [0x02, body.length, ...body];
}

/** SEQUENCE { r INTEGER, s INTEGER } of a 64-byte P-256 signature, low-S. */
export function signatureToDer(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  if (raw.length !== 2 * size) throw new RangeError("a P-256 signature has 64 bytes");
  const body = [...integer(raw.subarray(0, size)), ...integer(lowS(raw.subarray(size)))];
  return Uint8Array.from([0x30, body.length, ...body]);
}
