import { assertEquals, assertThrows } from "@std/assert";
import { concatenate, type Entry, listCpio, packCpio } from "../../tasks/cpio.ts";
import { runText } from "../../tasks/run.ts";

const ENTRIES: readonly Entry[] = [
  { kind: "directory", path: "bin" },
  { kind: "file", path: "bin/odd", mode: 0o755, bytes: new Uint8Array([1, 2, 3, 4, 5]) },
  { kind: "file", path: "empty", bytes: new Uint8Array() },
  { kind: "link", path: "bin/same", target: "odd" },
];

Deno.test("packCpio() makes archives that BusyBox unpacks to the same tree", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const input = packCpio(ENTRIES, 86_400);
    await runText("busybox", ["cpio", "-i", "-m"], { cwd: directory, input });
    assertEquals(await Deno.readFile(`${directory}/bin/same`), new Uint8Array([1, 2, 3, 4, 5]));
    assertEquals(await Deno.readLink(`${directory}/bin/same`), "odd");
    const odd = await Deno.stat(`${directory}/bin/odd`);
    assertEquals((odd.mode ?? 0) & 0o777, 0o755);
    assertEquals(odd.mtime, new Date(86_400_000));
    assertEquals((await Deno.stat(`${directory}/empty`)).size, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("listCpio() reads concatenated archives, links with their targets", () => {
  const second = packCpio([{ kind: "character", path: "dev/console", device: [5, 1] }], 0);
  const bytes = concatenate([packCpio(ENTRIES, 0), new Uint8Array(512), second]);
  assertEquals(listCpio(bytes), [
    { path: "bin", kind: "directory" },
    { path: "bin/odd", kind: "file" },
    { path: "empty", kind: "file" },
    { path: "bin/same", kind: "link", target: "odd" },
    { path: "dev/console", kind: "character" },
  ]);
});

Deno.test("listCpio() refuses what is no archive", () => {
  assertThrows(() => listCpio(new TextEncoder().encode("tarball")), Error, "newc");
});
