import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { gunzipSync, zstdCompressSync } from "node:zlib";
import { concat } from "@std/bytes/concat";
import { type Entry, packCpio } from "../../tasks/cpio.ts";
import { compileAgent } from "../../tasks/compile.ts";
import { ensureInstalled } from "../../tasks/debian.ts";
import { sha256Of } from "../../tasks/digest.ts";
import { packMember } from "../../tasks/gzip.ts";
import { initramfsArchives } from "../../tasks/initramfs_archives.ts";
import { injectAgent, readInitramfs } from "../../tasks/inject.ts";
import { librariesOf } from "../../tasks/libraries.ts";
import { run, runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { LIBRARY_PACKAGES, Sysroot } from "../../tasks/sysroot.ts";
import { textEntry } from "../../tasks/tree.ts";
import { inScratch } from "../in_scratch.ts";
import { deno } from "./_process.ts";

await ensureInstalled("readelf", "zstd", "qemu-aarch64-static");

const MIB = 1 << 20;

/** A small program with shared libraries stands for the agent. */
const AGENT = "/usr/bin/env";
const here = Sysroot.here();

const THERE: readonly Entry[] = [
  { kind: "directory", path: "usr" },
  { kind: "directory", path: "usr/lib" },
  { kind: "link", path: "lib", target: "usr/lib" },
  { kind: "link", path: "lib64", target: "/usr/lib" },
];
const MICROCODE = packCpio([
  { kind: "directory", path: "kernel" },
  textEntry("kernel/microcode.bin", "microcode"),
], 0);
const plain = packCpio(THERE, 0);
const zstd = zstdCompressSync(plain);
const checked = await run("zstd", ["-c"], { input: plain }); // has a checksum behind it
const gzip = await packMember(THERE);

const inject = async (bytes: Uint8Array, agent = AGENT, sysroot = here) =>
  await injectAgent(readInitramfs(bytes), agent, sysroot);
const pathsIn = (bytes: Uint8Array) =>
  initramfsArchives(bytes).map(({ packing, members }) => [
    packing,
    ...members.map(({ path }) => path),
  ]);

Deno.test("injectAgent() leaves the original as it is and adds what is not there", async () => {
  const libraries = (await librariesOf(here, AGENT)).map(({ path }) => path);
  const libc = libraries.find((path) => path.endsWith("libc.so.6"));
  const loader = libraries.find((path) => path.includes("ld-linux"));
  const full: Entry[] = [
    { kind: "file", path: "usr/lib/libc.so.6", bytes: new Uint8Array(3) },
    { kind: "file", path: "usr/lib/ld-linux-x86-64.so.2", bytes: new Uint8Array(3) },
  ];
  for (
    const { original, added } of [
      {
        original: gzip,
        added: [loader!.replace("/lib64", "usr/lib"), libc!.replace("/lib", "usr/lib")],
      },
      { original: await packMember([...THERE, ...full]), added: [] },
    ]
  ) {
    const whole = await inject(original);
    assertEquals(whole.subarray(0, original.length), new Uint8Array(original));
    const [, { members }] = initramfsArchives(whole);
    const files = members.filter(({ kind }) => kind === "file").map(({ path }) => path);
    assertEquals(files.sort(), [...added, "usr/bin/kubesolo-update"].sort());
    const directories = members.filter(({ kind }) => kind === "directory").map(({ path }) => path);
    assertEquals(directories.filter((path) => ["usr", "lib", "lib64"].includes(path)), []);
  }
});

for (
  const [what, original, packings] of [
    ["plain", plain, ["plain"]],
    ["plain, with an odd number of zeros", concat([plain, new Uint8Array(3)]), ["plain"]],
    ["zstd", zstd, ["zstd"]],
    ["microcode, then gzip", concat([MICROCODE, gzip]), ["plain", "gzip"]],
    [
      "microcode, zeros, then zstd",
      concat([MICROCODE, new Uint8Array(508), zstd]),
      ["plain", "zstd"],
    ],
    ["several gzip members", concat([gzip, gzip, new Uint8Array(3)]), ["gzip", "gzip"]],
    ["gzip, then zstd", concat([gzip, zstd]), ["gzip", "zstd"]],
  ] as const
) {
  Deno.test(`injectAgent() packs as the last archive is: ${what}`, async () => {
    const whole = await inject(original);
    assertEquals(whole.subarray(0, original.length), new Uint8Array(original));
    assertEquals(
      initramfsArchives(whole).map(({ packing }) => packing),
      [...packings, packings[packings.length - 1]],
    );
    assert(pathsIn(whole).at(-1)?.includes("usr/bin/kubesolo-update"));
  });
}

Deno.test("what zstd and gzip themselves have packed is read", async () => {
  for (const [program, ...args] of [["zstd", "-19"], ["zstd", "--no-check"], ["gzip", "-n"]]) {
    const packed = await run(program, [...args, "-c"], { input: plain });
    assertEquals(pathsIn(packed).flat().slice(1), ["usr", "usr/lib", "lib", "lib64"]);
  }
  await inScratch(async (scratch) => {
    await Deno.writeFile(`${scratch}/initrd.img`, plain);
    await runText("gzip", ["--name", `${scratch}/initrd.img`]); // its name is in the header
    assertEquals(pathsIn(await Deno.readFile(`${scratch}/initrd.img.gz`)).length, 1);
  });
});

Deno.test("an archive that breaks off anywhere is refused", async () => {
  for (const packed of [gzip, zstd, checked]) {
    for (let length = 5; length < packed.length; length++) {
      const cut = packed.slice(0, length);
      await assertRejects(() => inject(cut), Error, "archive at byte 0: ");
    }
  }
});

Deno.test("no flipped bit of a packed archive goes unseen", () => {
  for (const packed of [new Uint8Array(gzip), checked]) {
    let seen = 0;
    for (let bit = 0; bit < packed.length * 8; bit++) {
      const changed = packed.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      try {
        // nothing depends on some bits of the header, such as the time
        assertEquals(pathsIn(changed).flat().slice(1), ["usr", "usr/lib", "lib", "lib64"]);
      } catch (error) {
        assert(error instanceof Error && /at byte \d+/.test(error.message), `${error}`);
        seen++;
      }
    }
    assert(seen > packed.length * 8 * 0.7, `${seen} of ${packed.length * 8}`);
  }
});

for (
  const [what, original, message] of [
    ["an empty file", new Uint8Array(16), "wanted an archive, found none"],
    ["a tarball", new TextEncoder().encode("./etc/passwd"), "wanted an archive at byte 0"],
    [
      "xz",
      new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]),
      "found xz; pack it anew: (head -c 0 FILE; tail -c +1 FILE | xz -dc | zstd -19) >NEW",
    ],
    ["lz4", new Uint8Array([0x02, 0x21, 0x4c, 0x18, 0]), "found lz4; pack it anew"],
    [
      "trailing garbage",
      concat([gzip, new TextEncoder().encode("garbage")]),
      `wanted another archive or the end at byte ${gzip.length}`,
    ],
    [
      "a gzip header with more than a name",
      new Uint8Array([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 0, 0]),
      "a header that the kernel does not read",
    ],
    [
      "an archive at an odd place behind a plain one",
      concat([plain, new Uint8Array([0]), gzip]),
      "no multiple of four",
    ],
    [
      "a gzip member with half an archive",
      concat([
        new Uint8Array(await gzipped(plain.subarray(0, 200))),
        new Uint8Array(await gzipped(plain.subarray(200))),
      ]),
      "the gzip archive at byte 0: the archive breaks off after 200 bytes",
    ],
  ] as const
) {
  Deno.test(`injectAgent() refuses ${what}`, async () => {
    await assertRejects(() => inject(original), Error, message);
  });
}

async function gzipped(bytes: Uint8Array): Promise<Uint8Array> {
  return await run("gzip", ["-c"], { input: bytes });
}

Deno.test("an archive that unpacks to more than its limit is refused before it is unpacked", async () => {
  const zeros = await gzipped(packCpio([
    { kind: "file", path: "zeros", bytes: new Uint8Array(1 << 20) },
  ], 0));
  assertEquals(initramfsArchives(zeros).length, 1);
  for (const packed of [zeros, zstdCompressSync(gunzipSync(zeros))]) {
    const reading = () => Promise.resolve().then(() => initramfsArchives(packed, 1 << 19));
    await assertRejects(reading, Error, "it unpacks to more than an initramfs may have");
  }
});

Deno.test("what would be overwritten is said, and hard links of it keep what they have", async () => {
  await inScratch(async (scratch) => {
    const overlay = `${scratch}/overlay`;
    await Deno.mkdir(`${overlay}/bin`, { recursive: true });
    await Deno.writeTextFile(`${overlay}/bin/sh`, "new");
    await Deno.mkdir(`${scratch}/tree/bin`, { recursive: true });
    await Deno.writeTextFile(`${scratch}/tree/bin/busybox`, "old");
    await Deno.link(`${scratch}/tree/bin/busybox`, `${scratch}/tree/bin/sh`);
    const input = new TextEncoder().encode("bin\nbin/busybox\nbin/sh\n");
    const packed = await run("busybox", ["cpio", "-o", "-H", "newc"], {
      cwd: `${scratch}/tree`,
      input,
    });
    await Deno.writeFile(`${scratch}/in`, packed);
    const { success, stderr } = await deno(scratch, [
      ...["run", "-A", "tasks/initramfs.ts", "--into", `${scratch}/in`, "--agent", AGENT],
      ...["--overlay", overlay, "--output", `${scratch}/out`],
    ], { NO_COLOR: "1" });
    assert(success, stderr);
    assertStringIncludes(stderr, "warning: bin/sh is in the initramfs already: it is replaced\n");
    const [, { members }] = initramfsArchives(await Deno.readFile(`${scratch}/out`));
    const last = members.filter(({ path }) => path === "bin/sh").map(({ kind }) => kind);
    assertEquals(last, ["link", "file"]);
  });
});

Deno.test("an initramfs that is written over stays whole where there is no room", async () => {
  await inScratch(async (scratch) => {
    const path = `${scratch}/initramfs`;
    // zeros behind an archive are none
    const original = concat([gzip, new Uint8Array(64 * MIB)]);
    await Deno.writeFile(path, original);
    const task = [Deno.execPath(), "run", "-A", "--no-check", "tasks/initramfs.ts"];
    const args = ["--into", path, "--agent", AGENT, "--output", path];
    const addWithin = async (bytes: number | "unlimited") => {
      const limited = [`--fsize=${bytes}`, ...task, ...args];
      return (await new Deno.Command("prlimit", { args: limited, cwd: ROOT }).output()).success;
    };
    assertEquals(await addWithin(48 * MIB), false);
    assertEquals(sha256Of(await Deno.readFile(path)), sha256Of(original));
    assertEquals(await addWithin("unlimited"), true);
    assert((await Deno.stat(path)).size > original.length);
  });
});

Deno.test("a file is not put in the place of a directory, nor a directory in that of a file", async () => {
  const agent = "usr/bin/kubesolo-update";
  for (
    const [entry, message] of [
      [{ kind: "directory", path: agent }, `${agent}: wanted room for a file, found a directory`],
      [textEntry("usr/bin", ""), `${agent}: wanted a directory usr/bin, found a file`],
    ] as const
  ) {
    const original = packCpio([
      ...THERE,
      ...entry.path === agent ? [{ kind: "directory", path: "usr/bin" } as const] : [],
      entry,
    ], 0);
    await assertRejects(() => inject(original), Error, message);
  }
});

Deno.test("links lead nowhere outside, and not in circles", async () => {
  const out: Entry = { kind: "link", path: "usr", target: "../../somewhere" };
  const whole = await inject(packCpio([out], 0));
  assert(pathsIn(whole).at(-1)?.includes("somewhere/bin/kubesolo-update"));
  const circle = packCpio([{ kind: "link", path: "usr", target: "usr" }], 0);
  await assertRejects(() => inject(circle), Error, "more than 8 links");
});

Deno.test("the agent of another architecture comes with its own libraries, and starts", async () => {
  const agent = await compileAgent("aarch64");
  await using sysroot = await Sysroot.open("aarch64", LIBRARY_PACKAGES);
  await inScratch(async (scratch) => {
    const whole = await inject(gzip, agent, sysroot);
    const root = `${scratch}/root`;
    await Deno.mkdir(root);
    for (const { members } of initramfsArchives(whole)) {
      for (const { path, kind, target, bytes } of members) {
        if (kind === "directory") await Deno.mkdir(`${root}/${path}`);
        else if (target) await Deno.symlink(target.replace(/^\//, ""), `${root}/${path}`);
        else await Deno.writeFile(`${root}/${path}`, bytes, { mode: 0o755 });
      }
    }
    const said = await runText("qemu-aarch64-static", [
      ...["-L", root, `${root}/usr/bin/kubesolo-update`, "--version"],
    ]);
    assertEquals(/^\d+\.\d+\.\d+/.test(said), true, said);

    await Deno.writeFile(`${scratch}/initramfs`, whole);
    const { success, stderr } = await deno(scratch, [
      ...["run", "-A", "tasks/initramfs.ts", "--into", `${scratch}/initramfs`],
      ...["--agent", AGENT, "--output", `${scratch}/out`],
    ], { NO_COLOR: "1" });
    assertEquals(success, false);
    assertStringIncludes(stderr, `${AGENT}: wanted a program for aarch64, found one for x86_64`);

    await assertRejects(
      () => inject(whole),
      Error,
      "wanted an initramfs for x86_64, found programs for aarch64; see --target",
    );
  });
});
