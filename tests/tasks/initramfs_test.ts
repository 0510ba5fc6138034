import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { basename } from "@std/path";
import { gunzipSync } from "node:zlib";
import { packCpio } from "../../tasks/cpio.ts";
import { buildInitramfs, ensureInitramfsTools } from "../../tasks/initramfs.ts";
import { kernelPath, modulePaths } from "../../tasks/kernel.ts";
import { librariesOf } from "../../tasks/libraries.ts";
import { listCpio } from "../../tasks/list_cpio.ts";
import { run, runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { Sysroot } from "../../tasks/sysroot.ts";
import { inScratch } from "../in_scratch.ts";
import { deno } from "./_process.ts";

await ensureInitramfsTools();

/** A small program with shared libraries stands for the agent. */
const AGENT = "/usr/bin/env";

/** Unpacks an initramfs as the kernel does, one member after the other, into `directory`. */
async function unpack(path: string, directory: string): Promise<void> {
  const input = gunzipSync(await Deno.readFile(path));
  await Deno.mkdir(directory);
  // BusyBox stops at the end of the first archive.
  for (const archive of archivesIn(input)) {
    await runText("busybox", ["cpio", "-i", "-d", "-u"], { cwd: directory, input: archive });
  }
}

function archivesIn(bytes: Uint8Array): Uint8Array[] {
  const empty = packCpio([], 0); // nothing but the last record of every archive
  const archives: Uint8Array[] = [];
  let start = 0;
  for (let at = 0; at < bytes.length; at += 4) {
    if (!empty.every((byte, index) => bytes[at + index] === byte)) continue;
    archives.push(bytes.subarray(start, at + empty.length));
    start = at + empty.length;
  }
  return archives;
}

/** Only root may make the device that the archive holds. */
const ignore = Deno.uid() !== 0;

Deno.test(
  "an initramfs has the agent and all that it spawns, where it looks for them",
  { ignore },
  async () => {
    await inScratch(async (scratch) => {
      const output = `${scratch}/kubesolo-os.gz`;
      await buildInitramfs({ version: "1.2.3", agent: AGENT, output });
      const root = `${scratch}/root`;
      await unpack(output, root);
      for (const path of ["init", "usr/bin/kubesolo-update", "usr/bin/grub-editenv"]) {
        assertEquals((await Deno.stat(`${root}/${path}`)).mode! & 0o777, 0o755, path);
      }
      for (const path of ["usr/bin/mount", "bin/mount", "usr/bin/umount", "usr/sbin/reboot"]) {
        assert((await Deno.stat(`${root}/${path}`)).isFile, path);
      }
      const programs = [AGENT, "/usr/bin/grub-editenv"];
      for (const { path, source } of await librariesOf(Sysroot.here(), ...programs)) {
        assertEquals(await Deno.readFile(root + path), await Deno.readFile(source), path);
      }
      assertEquals(await Deno.readTextFile(`${root}/etc/kubesolo-os-version`), "1.2.3\n");
      assertEquals(await Deno.readTextFile(`${root}/srv/www/healthz`), "ok\n");
      const said = await run("chroot", [root, "/usr/bin/kubesolo-update", "echo", "it starts"]);
      assertEquals(new TextDecoder().decode(said), "it starts\n");
    });
  },
);

Deno.test("the same inputs give the same initramfs, elsewhere, later and without the cache", async () => {
  await inScratch(async (scratch) => {
    const digests: string[] = [];
    for (const place of ["one", "two/deeper"]) {
      const cache = `${scratch}/${place}`;
      await Deno.mkdir(`${cache}/overlay/etc`, { recursive: true });
      await Deno.writeTextFile(`${cache}/overlay/etc/motd`, "hello\n");
      await Deno.copyFile(AGENT, `${cache}/agent`);
      const { success, stderr } = await deno(cache, [
        ...["run", "-A", "tasks/initramfs.ts", "--version", "1.0.0"],
        ...["--agent", `${cache}/agent`, "--overlay", `${cache}/overlay`],
        ...["--output", `${cache}/out.gz`],
      ], { TZ: place });
      assert(success, stderr);
      digests.push((await runText("sha256sum", [`${cache}/out.gz`])).slice(0, 64));
    }
    assertEquals(digests[0], digests[1]);
  });
});

Deno.test("a broken release lacks what its health probe asks for", async () => {
  await inScratch(async (scratch) => {
    const output = `${scratch}/out.gz`;
    await buildInitramfs({ version: "3.0.0", agent: AGENT, output, broken: true });
    const paths = listCpio(gunzipSync(await Deno.readFile(output))).map(({ path }) => path);
    assertEquals(paths.includes("srv/www/healthz"), false);
    assert(paths.includes("srv/www"));
  });
});

Deno.test(
  "overlays lie over the root, the last on top, and keep links like /bin alive",
  { ignore },
  async () => {
    await inScratch(async (scratch) => {
      for (const [name, text] of [["first", "1"], ["second", "2"]]) {
        await Deno.mkdir(`${scratch}/${name}/bin`, { recursive: true });
        await Deno.writeTextFile(`${scratch}/${name}/bin/tool`, text, { mode: 0o700 });
        await Deno.writeTextFile(`${scratch}/${name}/only-${name}`, text);
      }
      await buildInitramfs({
        version: "1.0.0",
        agent: AGENT,
        output: `${scratch}/out.gz`,
        overlays: [`${scratch}/first`, `${scratch}/second`],
      });
      const root = `${scratch}/root`;
      await unpack(`${scratch}/out.gz`, root);
      // The kernel would put a directory of that name in the place of the link.
      const members = listCpio(gunzipSync(await Deno.readFile(`${scratch}/out.gz`)));
      const tops = members.filter(({ path }) => path === "bin").map(({ kind }) => kind);
      assertEquals(tops, ["link"]);
      assertEquals(await Deno.readTextFile(`${root}/usr/bin/tool`), "2");
      assertEquals((await Deno.stat(`${root}/usr/bin/tool`)).mode! & 0o777, 0o755);
      assertEquals(await Deno.readTextFile(`${root}/only-first`), "1");
    });
  },
);

Deno.test("every kernel module is listed after those that it depends on", async () => {
  const { watchdog, others } = await modulePaths();
  const paths = [...watchdog, ...others];
  const release = kernelPath().replace("/boot/vmlinuz-", "");
  const table = await Deno.readTextFile(`/lib/modules/${release}/modules.dep`);
  for (const [at, path] of paths.entries()) {
    const relative = path.replace(`/lib/modules/${release}/`, "");
    const line = table.split("\n").find((line) => line.startsWith(`${relative}:`)) ?? "";
    for (const needed of line.split(" ").slice(1).filter(Boolean)) {
      const position = paths.findIndex((other) => other.endsWith(`/${needed}`));
      assert(position >= 0 && position < at, `${relative} needs ${needed}`);
    }
  }
  assert(others.some((path) => path.endsWith("/virtio_blk.ko")));
  assertEquals(new Set(paths).size, paths.length);
  // softdog would take the name /dev/watchdog from a real one
  assertEquals(watchdog.map((path) => basename(path)), [
    "watchdog.ko",
    "wdat_wdt.ko",
    "softdog.ko",
  ]);
});

Deno.test("the initramfs task says which option is missing", async () => {
  await inScratch(async (scratch) => {
    const { success, stderr } = await deno(scratch, ["run", "-A", "tasks/initramfs.ts"]);
    assertEquals(success, false);
    assertStringIncludes(stderr, "--version: wanted the release's version");
  });
});

Deno.test("os-release makes nothing without a version that is one", async () => {
  await inScratch(async (scratch) => {
    const output = `${scratch}/release`;
    const cases: readonly (readonly [found: string, ...args: string[]])[] = [
      ["wanted --version and --output", "--output", output],
      ["--version: wanted one such as 2.0.0, found new", "--version", "new", "--output", output],
      [
        "--target: wanted x86_64 or aarch64",
        "--version",
        "1.0.0",
        "--output",
        output,
        "--target=z",
      ],
    ];
    for (const [found, ...args] of cases) {
      const { success, stderr } = await deno(scratch, ["run", "-A", "tasks/release.ts", ...args]);
      assertEquals(success, false);
      assertStringIncludes(stderr, found);
    }
    assertEquals(await Deno.stat(output).catch(() => "none"), "none");
  });
});

Deno.test("BusyBox can read the init and the scripts beside it", async () => {
  for await (const { name } of Deno.readDir(`${ROOT}/deploy/init`)) {
    await runText("busybox", ["sh", "-n", `${ROOT}/deploy/init/${name}`]);
  }
});
