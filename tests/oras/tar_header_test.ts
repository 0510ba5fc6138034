import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { OrasError } from "@kubesolo/update/oras";
import {
  isEndBlock,
  readPaxRecords,
  readTarHeader,
  tarPadding,
  writeTarHeader,
} from "../../mod/oras/_tar_header.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("a tar header reads back as it was written, whatever the size", () => {
  const sizes = [0, 1, 511, 512, 0o77777777777, 0o77777777777 + 1, Number.MAX_SAFE_INTEGER];
  for (const size of sizes) {
    for (const type of ["0", "5"]) {
      const header = { name: "blobs/sha256/0", size, type };
      assertEquals(readTarHeader(writeTarHeader(header)), header);
    }
  }
});

Deno.test("a tar header with one byte changed is no header", () => {
  const header = writeTarHeader({ name: "index.json", size: 7, type: "0" });
  fc.assert(fc.property(fc.nat(511), fc.integer({ min: 1, max: 255 }), (at, change) => {
    const damaged = header.slice();
    damaged[at] ^= change;
    // The blanks and zeroes around the checksum's digits say nothing.
    if (at >= 148 && at < 156) return;
    assertThrows(() => readTarHeader(damaged), OrasError);
  }));
});

Deno.test("content is filled up to whole blocks", () => {
  assertEquals([0, 1, 511, 512, 513].map((size) => tarPadding(size).length), [0, 511, 1, 0, 511]);
  assertEquals(isEndBlock(new Uint8Array(512)), true);
  assertEquals(isEndBlock(writeTarHeader({ name: "", size: 0, type: "0" })), false);
});

Deno.test("pax records are read, line feeds and equals signs in values too", () => {
  const records = readPaxRecords(encode("13 path=a=b\n\n10 size=1\n"));
  assertEquals([...records], [["path", "a=b\n"], ["size", "1"]]);
});

Deno.test("pax records that are none are refused, whatever they are", () => {
  for (const text of ["x", "5 a=b", "6 a=b", "99 a=b\n", "5 ab\n", "0 a=b\n", "-6 a=b\n", "2 "]) {
    assertThrows(() => readPaxRecords(encode(text)), OrasError, "malformed", text);
  }
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."019 =\nax") }), (text) => {
    try {
      readPaxRecords(encode(text));
    } catch (error) {
      if (!(error instanceof OrasError)) throw error;
    }
  }));
});
