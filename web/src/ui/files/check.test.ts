import { describe, expect, test } from "vitest";

import { headBytes, judge, nameFor, typeOf } from "./check.ts";

const bytes = (...parts: (string | number)[]): Uint8Array =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? [...part].map((char) => char.charCodeAt(0)) : [part])));

describe("the type is in the bytes", () => {
  test.each([
    ["a JPEG", bytes(0xff, 0xd8, 0xff, 0xe1), "image/jpeg"],
    ["a PNG", bytes(0x89, "PNG\r\n", 0x1a, "\n"), "image/png"],
    ["a WebP", bytes("RIFF", 1, 2, 3, 4, "WEBP"), "image/webp"],
    ["a GIF", bytes("GIF89a"), "image/gif"],
    ["an iPhone's photo", bytes(0, 0, 0, 0x24, "ftypheic"), "image/heic"],
    ["a PDF", bytes("%PDF-1.7"), "application/pdf"],
    ["a film in the same container", bytes(0, 0, 0, 0x20, "ftypisom"), undefined],
    ["a web page", bytes("<!doctype html>"), undefined],
    ["a drawing that can hold a script", bytes("<svg xmlns="), undefined],
    ["a program", bytes("MZ", 0x90, 0), undefined],
    ["a zip", bytes("PK", 3, 4), undefined],
    ["too little to tell", bytes(0xff), undefined],
    ["nothing", bytes(), undefined],
  ])("%s", (_, head, type) => expect(typeOf(head)).toBe(type));

  test("random bytes never throw", () => {
    let seed = 42;
    for (let round = 0; round < 5000; round++) {
      const head = new Uint8Array(round % (headBytes + 1)).map(() => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16);
      expect(() => typeOf(head)).not.toThrow();
    }
  });
});

test("what can run is refused by its first bytes", () => {
  for (const head of [bytes("MZ", 0x90, 0), bytes(0x7f, "ELF"), bytes("#!/bin/sh"), bytes("PK", 3, 4), bytes("<!doctype html>"), bytes("<svg xmlns=")]) {
    expect(judge(10, head, 10)).toEqual({ problem: "wrong-type" });
  }
});

test("size is judged before type", () => {
  expect(judge(0, bytes(), 10)).toEqual({ problem: "empty" });
  expect(judge(11, bytes("%PDF-"), 10)).toEqual({ problem: "too-large" });
  expect(judge(10, bytes("%PDF-"), 10)).toEqual({ type: "application/pdf" });
  expect(judge(10, bytes("hello"), 10)).toEqual({ problem: "wrong-type" });
});

test.each([
  ["knee.jpg", "image/jpeg", "knee.jpg"],
  ["knee.HEIC", "image/jpeg", "knee.jpg"],
  ["no ending", "application/pdf", "no ending.pdf"],
  ["../../etc/passwd", "application/pdf", "passwd.pdf"],
  ["C:\\Users\\Ana\\scan.pdf", "application/pdf", "scan.pdf"],
  ["bill\u202efdp.exe", "application/pdf", "billfdp.pdf"],
  ["", "image/png", "file.png"],
  [".pdf", "application/pdf", ".pdf.pdf"],
] as const)("%j sent as %s is called %j", (name, type, want) => expect(nameFor(name, type)).toBe(want));
