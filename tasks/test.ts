/**
 * `deno task test`: all tests, those in QEMU included, and the examples of the documentation.
 *
 * @module
 */

import { stripAnsiCode } from "@std/fmt/colors";
import { compileAgent } from "./compile.ts";
import { ensureInstalled, fileOf } from "./debian.ts";
import { demoNeeds } from "./demo/round_trip.ts";
import { ARCHITECTURES } from "./elf.ts";
import { main, say } from "./screen.ts";
import { ROOT } from "./sources.ts";

/** Modules with tests that run next to each other. */
const JOBS = "2";

/** The line that `deno test` ends with. */
const SUMMARY = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(?: \| (\d+) ignored)?/;

/** Resolves when what the tests need of Debian is here. */
async function ensureTestTools(): Promise<void> {
  await ensureInstalled(
    ...ARCHITECTURES.flatMap((architecture) => demoNeeds(true, architecture)),
    "blkid",
    "fsck.fat",
    "grub-script-check",
    "qemu-aarch64-static",
    "shellcheck",
    "readelf",
    fileOf("nginx-light", "/usr/sbin/nginx"),
    fileOf("openssl", "/usr/bin/openssl"),
    fileOf("systemd", "/usr/bin/systemd-analyze"),
    fileOf("systemd-sysv", "/usr/sbin/reboot"),
    fileOf("squashfs-tools", "/usr/bin/mksquashfs"),
    fileOf("erofs-utils", "/usr/bin/mkfs.erofs"),
    fileOf("docker-registry", "/usr/bin/docker-registry"),
    fileOf("skopeo", "/usr/bin/skopeo"),
    "zstd",
    fileOf("minisign", "/usr/bin/minisign"),
    fileOf("containerd", "/usr/bin/containerd"),
    fileOf("runc", "/usr/sbin/runc"),
    fileOf("apache2-utils", "/usr/bin/htpasswd"),
    fileOf("chromium", "/usr/bin/chromium"),
    fileOf("prometheus", "/usr/bin/promtool"),
  );
}

/** Runs `deno test`, shows what it prints, and resolves with its exit code and its closing line. */
async function runTests(paths: readonly string[]): Promise<{ code: number; closing: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", "--parallel", "--doc", ...paths],
    cwd: ROOT,
    // what Debian's tools say is compared with what they say in English
    env: { DENO_JOBS: JOBS, RUST_BACKTRACE: "0", LC_ALL: "C" },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let [passed, failed, skipped] = [0, 0, 0];
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    await Deno.stdout.write(bytes);
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) {
      const counts = SUMMARY.exec(stripAnsiCode(line));
      if (counts) [passed, failed, skipped] = counts.slice(1).map((count) => Number(count ?? 0));
    }
  }
  const { code } = await child.status;
  // a module that does not even load fails as well, and has no test to count
  if (code !== 0) failed = Math.max(failed, 1);
  const closing = `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
  return { code, closing };
}

await main(async () => {
  await ensureTestTools();
  for (const architecture of ARCHITECTURES) await compileAgent(architecture);
  // others than root are to come at what tests make for them
  Deno.umask(0o022);
  const began = performance.now();
  const { code, closing } = await runTests(
    Deno.args.length > 0 ? Deno.args : ["tests", "mod", "README.md"],
  );
  say(`in ${Math.round((performance.now() - began) / 1000)} s`);
  console.log(closing);
  if (code !== 0) Deno.exit(code);
});
