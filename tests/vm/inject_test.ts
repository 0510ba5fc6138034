import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes/concat";
import { compileAgent } from "../../tasks/compile.ts";
import { packCpio } from "../../tasks/cpio.ts";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds, NODE_MEMORY } from "../../tasks/demo/round_trip.ts";
import { packMember } from "../../tasks/gzip.ts";
import { injectAgent, readInitramfs } from "../../tasks/inject.ts";
import { kernelPath } from "../../tasks/kernel.ts";
import { run } from "../../tasks/run.ts";
import { kernelPackage, LIBRARY_PACKAGES, Sysroot } from "../../tasks/sysroot.ts";
import { textEntry } from "../../tasks/tree.ts";
import { Vm } from "../../tasks/vm.ts";
import { inScratch } from "../in_scratch.ts";

await ensureInstalled(...demoNeeds(false), ...demoNeeds(true, "aarch64"), "zstd");

/** Enough for a machine that is many times slower than any that this was written on. */
const LIMIT = { limitSeconds: 300 };

/** Says what the kernel has unpacked. */
const INIT = `#!/bin/sh
mount -t proc proc /proc
cd /etc
echo "FOUND $(cat before) $(cat added) $(cat linked) $(cat other)"
echo "AGENT $(kubesolo-update --version)"
poweroff -f
`;

/** Before all other archives, as distributions have it. */
const MICROCODE = packCpio([
  ...["kernel", "kernel/x86", "kernel/x86/microcode"]
    .map((path) => ({ kind: "directory", path } as const)),
  textEntry("kernel/x86/microcode/GenuineIntel.bin", "of another processor"),
], 0);

Deno.test("the kernel finds the agent in what was made of an initramfs of others", async () => {
  const directory = await Deno.makeTempDir({ prefix: "inject-" });
  const agent = await compileAgent("x86_64");
  const add = (original: Uint8Array, text: string) =>
    injectAgent(readInitramfs(original), agent, Sysroot.here(), [
      textEntry("etc/added", text),
      textEntry("etc/linked", "replaced"),
    ]);
  try {
    const main = await smallSystem(`${directory}/root`);
    const before = (text: string) => textEntry("etc/before", text);
    const gzip = await run("gzip", ["-9", "-c"], { input: main });
    const zstd = await run("zstd", ["-19", "-c"], { input: main });
    await boot(
      directory,
      await add(concat([MICROCODE, gzip, await packMember([before("gzip")])]), "to-gzip"),
      "FOUND gzip to-gzip replaced kept",
    );
    // a second time: plain behind zstd, over what is there already
    const once = await add(concat([zstd]), "to-zstd");
    const filler = new Uint8Array(512 - once.length % 512);
    const twice = concat([once, filler, packCpio([before("plain")], 0)]);
    await boot(directory, once, "FOUND none to-zstd replaced kept");
    await boot(directory, await add(twice, "to-plain"), "FOUND plain to-plain replaced kept");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the kernel of an aarch64 machine finds and starts its agent in the same way", async () => {
  const agent = await compileAgent("aarch64");
  const packages = [kernelPackage("aarch64"), "busybox-static", ...LIBRARY_PACKAGES];
  await using sysroot = await Sysroot.open("aarch64", packages);
  await inScratch(async (directory) => {
    const main = await smallSystem(`${directory}/root`, sysroot);
    const gzip = await run("gzip", ["-9", "-c"], { input: main });
    const before = await packMember([textEntry("etc/before", "gzip")]);
    const whole = await injectAgent(readInitramfs(concat([gzip, before])), agent, sysroot, [
      textEntry("etc/added", "for-arm64"),
      textEntry("etc/linked", "replaced"),
    ]);
    await boot(directory, whole, "FOUND gzip for-arm64 replaced kept", sysroot);
  });
});

/** An archive of a BusyBox with {@linkcode INIT}, as cpio packs it; two of its files are one. */
async function smallSystem(root: string, from = Sysroot.here()): Promise<Uint8Array> {
  for (const path of ["bin", "dev", "etc", "proc"]) {
    await Deno.mkdir(`${root}/${path}`, { recursive: true });
  }
  await Deno.copyFile(from.at("/bin/busybox"), `${root}/bin/busybox`);
  for (const name of ["sh", "mount", "cat", "poweroff"]) {
    await Deno.symlink("busybox", `${root}/bin/${name}`);
  }
  await Deno.writeTextFile(`${root}/init`, INIT, { mode: 0o755 });
  await Deno.writeTextFile(`${root}/etc/before`, "none");
  await Deno.writeTextFile(`${root}/etc/linked`, "kept");
  await Deno.link(`${root}/etc/linked`, `${root}/etc/other`);
  const script = "find . | busybox cpio -o -H newc";
  return await run("sh", ["-c", script], { cwd: root });
}

/** Boots Debian's kernel with `initramfs`, up to what its init says. */
async function boot(
  directory: string,
  initramfs: Uint8Array,
  wanted: string,
  from = Sysroot.here(),
): Promise<void> {
  const { architecture } = from;
  const disk = `${directory}/disk.img`;
  await Deno.writeFile(disk, new Uint8Array(1 << 20));
  await Deno.writeFile(`${directory}/initramfs`, initramfs);
  const console = architecture === "aarch64" ? "ttyAMA0" : "ttyS0";
  const line = `console=${console} quiet panic=-1`;
  await using vm = await Vm.start({
    disk,
    architecture,
    uefi: false,
    memory: NODE_MEMORY,
    noReboot: true,
    more: ["-kernel", kernelPath(from), "-initrd", `${directory}/initramfs`, "-append", line],
  });
  assertEquals((await vm.waitFor(/^FOUND /, LIMIT)).text, wanted);
  const { text } = await vm.waitFor(/^AGENT /, LIMIT);
  assertEquals(/^AGENT \d+\.\d+\.\d+/.test(text), true, text);
  assertEquals((await vm.exited).reason, "shutdown");
}
