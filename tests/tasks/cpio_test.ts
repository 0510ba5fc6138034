import { assertEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes/concat";
import { type Entry, packCpio } from "../../tasks/cpio.ts";
import { listCpio } from "../../tasks/list_cpio.ts";
import { run, runText } from "../../tasks/run.ts";

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
  const bytes = concat([packCpio(ENTRIES, 0), new Uint8Array(512), second]);
  const listed = listCpio(bytes).map(({ path, kind, target }) => [path, kind, target]);
  assertEquals(listed, [
    ["bin", "directory", undefined],
    ["bin/odd", "file", undefined],
    ["empty", "file", undefined],
    ["bin/same", "link", "odd"],
    ["dev/console", "character", undefined],
  ]);
});

Deno.test("listCpio() reads what cpio itself packs, hard links among it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/one`, "1");
    await Deno.link(`${directory}/one`, `${directory}/two`);
    const args = ["cpio", "-o", "-H", "newc"];
    const input = new TextEncoder().encode(".\n./one\n./two\n");
    const listed = listCpio(await run("busybox", args, { cwd: directory, input }));
    assertEquals(listed.map(({ path, names }) => `${path} ${names}`).sort(), ["one 2", "two 2"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("listCpio() refuses what is no archive, and one that breaks off anywhere", () => {
  assertThrows(() => listCpio(new TextEncoder().encode("tarball".repeat(20))), Error, "newc");
  const whole = packCpio(ENTRIES, 0);
  for (let length = 1; length < whole.length; length++) {
    const cut = whole.subarray(0, length);
    assertThrows(() => listCpio(cut), Error, `breaks off after ${length} bytes`);
  }
});
