import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { OciSource } from "../../mod/oci/mod.ts";
import { TarLayout } from "../../mod/oras/mod.ts";
import { task } from "../cli/_publishing.ts";
import { bytesOf, sha256 } from "../cli/_test_node.ts";
import { run, TemporaryDirectory } from "../oras/_image.ts";

/** A release of kernel and initramfs for one architecture. */
async function release(parent: string, architecture: string | undefined): Promise<string> {
  const directory = `${parent}/${architecture}`;
  await Deno.mkdir(directory, { recursive: true });
  const [kernel, initramfs] = [bytesOf(`kernel ${architecture}`, 3000), bytesOf("initramfs", 9000)];
  await Deno.writeFile(`${directory}/vmlinuz`, kernel);
  await Deno.writeFile(`${directory}/kubesolo-os.gz`, initramfs);
  const latest = {
    ...{ version: "2.0.0", architecture, vmlinuz_sha256: sha256(kernel) },
    initramfs_sha256: sha256(initramfs),
  };
  await Deno.writeTextFile(`${directory}/latest.json`, JSON.stringify(latest));
  return directory;
}

Deno.test("bundle packs both architectures under one tag, the same bytes each time", async () => {
  await using temporary = new TemporaryDirectory();
  const { path } = temporary;
  const releases = ["--release", await release(path, "x86_64")]
    .concat(["--release", await release(path, "aarch64")]);
  const output = `${path}/os.ksu`;
  const { stdout } = await task("bundle", [...releases, "--output", output, "--json"]);
  const report = JSON.parse(stdout);
  const bytes = await Deno.readFile(output);
  assertEquals([report.size, report.sha256, report.tag], [bytes.length, sha256(bytes), "stable"]);

  const target = await TarLayout.open(output);
  assertEquals(await target.tags(), ["stable"]);
  for (const architecture of ["x86_64", "aarch64"]) {
    const source = new OciSource({ name: output, target, reference: "stable", architecture });
    const { version, artifacts } = await source.latest();
    assertEquals(version, "2.0.0");
    assertEquals(artifacts[0].sha256, sha256(bytesOf(`kernel ${architecture}`, 3000)));
  }
  const raw = await run("skopeo", "inspect", "--raw", `oci-archive:${output}:stable`);
  assertEquals(JSON.parse(new TextDecoder().decode(raw)).manifests.length, 2);

  const again = await task("bundle", [...releases, "--output", `${path}/again.ksu`]);
  assertMatch(again.stdout, /again\.ksu:stable {2}sha256:[0-9a-f]{64}\n$/);
  assertEquals(await Deno.readFile(`${path}/again.ksu`), bytes);
  const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
  assertEquals(names, ["aarch64", "again.ksu", "os.ksu", "x86_64"], "nothing else is left behind");
});

Deno.test("bundle says what it cannot pack, and leaves nothing behind", async () => {
  await using temporary = new TemporaryDirectory();
  const { path } = temporary;
  const good = await release(path, "x86_64");
  const nowhere = await release(path, undefined);
  const cases: [args: string[], says: string][] = [
    [["--release", good, "--output", `${path}/os.tar`], "wanted a name that ends with .ksu"],
    [["--output", `${path}/os.ksu`], "wanted --release and --output"],
    [["--release", good, "--release", good, "--output", `${path}/os.ksu`], "two for amd64"],
    [["--release", nowhere, "--output", `${path}/os.ksu`], "wanted an annotation or label"],
    [["--release", good, "--zstd", "--output", `${path}/os.ksu`], "wanted a partition image"],
  ];
  for (const [args, says] of cases) await assertRejects(() => task("bundle", args), Error, says);
  const names = (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name).sort();
  assertEquals(names, ["undefined", "x86_64"]);
});
