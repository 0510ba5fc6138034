import { assert, assertEquals } from "@std/assert";
import { Line } from "../../mod/oci/_line.ts";
import { Unpacking } from "../../mod/oci/_unpacking.ts";
import { tinyPieces } from "../tiny_pieces.ts";

Deno.test("an artifact that comes byte by byte takes no more memory than what is kept of it", async () => {
  const { stream, peak } = tinyPieces(20_000);
  const line = new Line({ fetch: () => Promise.reject(new Error("it is here already")) });
  const unpacking = new Unpacking(stream, line);
  const bytes = async (offset: number) => await new Response(await unpacking.from(offset)).bytes();
  assertEquals(await bytes(0), new Uint8Array(20_000).fill(32));
  assert(peak() < 512 << 20, `${peak()}`);
  assertEquals((await bytes(12_345)).length, 20_000 - 12_345);
});
