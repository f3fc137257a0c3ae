import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { lowS, signatureToDer } from "./der.ts";

interface Golden {
  readonly raw: string;
  readonly der: string;
}

const golden = JSON.parse(
  readFileSync(new URL("../../../../cmd/sotto-core/testdata/golden/signatures.json", import.meta.url), "utf8"),
) as Golden[];

const bytes = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, "base64"));

test.each(golden.map((g, i) => [i, g] as const))("signature %i converts as Go has it", (_, { raw, der }) => {
  expect(Buffer.from(signatureToDer(bytes(raw))).toString("base64")).toBe(der);
});

const order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.padStart(64, "0"), "hex"));

test("the half of the order is low, one more is not", () => {
  const half = BigInt(`0x${order}`) / 2n;
  expect(lowS(hex(half.toString(16)))).toEqual(hex(half.toString(16)));
  expect(lowS(hex((half + 1n).toString(16)))).toEqual(hex(half.toString(16)));
});

test("a signature of another size is refused", () => {
  expect(() => signatureToDer(new Uint8Array(96))).toThrow(RangeError);
});
