import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { basename, dirname } from "@std/path";
import { Buffer } from "node:buffer";
import { compileAgent } from "../../tasks/compile.ts";
import { ensureInstalled, fileOf } from "../../tasks/debian.ts";
import { cacheDirectory } from "../../tasks/lock.ts";
import type { Bom } from "../../tasks/release_agent/sbom.ts";
import { runText } from "../../tasks/run.ts";
import { ROOT } from "../../tasks/sources.ts";
import { inScratch } from "../in_scratch.ts";
import { deno, type Ended } from "./_process.ts";

const { version }: { version: string } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
const FILES = [
  ...["kubesolo-update-x86_64", "kubesolo-update-aarch64"],
  ...["kubesolo-provision-x86_64", "kubesolo-provision-aarch64"],
  ...["kubesolo-update-image.tar", "sbom.cdx.json"],
];

function release(scratch: string, ...args: readonly string[]): Promise<Ended> {
  const cache = { XDG_CACHE_HOME: dirname(cacheDirectory()) };
  return deno(scratch, ["run", "-A", "tasks/release_agent.ts", ...args], cache);
}

Deno.test("a release is whole, signed, and says what it is made of", async () => {
  await ensureInstalled(
    fileOf("openssl", "/usr/bin/openssl"),
    fileOf("skopeo", "/usr/bin/skopeo"),
  );
  await inScratch(async (scratch) => {
    const key = `${scratch}/release.key`;
    await runText("openssl", ["genpkey", "-algorithm", "ed25519", "-out", key]);
    await runText("openssl", ["pkey", "-in", key, "-pubout", "-out", `${scratch}/release.pub`]);
    const output = `${scratch}/out`;
    const args = ["--output", output, "--tag", `v${version}`, "--sign-key", key];
    const { success, stderr } = await release(scratch, ...args);
    assert(success, stderr);

    const sums = await runText("sha256sum", ["--check", "--strict", "SHA256SUMS"], { cwd: output });
    assertEquals(sums, FILES.map((name) => `${name}: OK\n`).join(""));
    const verify = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", `${scratch}/release.pub`];
    const files = ["-in", `${output}/SHA256SUMS`, "-sigfile", `${output}/SHA256SUMS.sig`];
    assertStringIncludes(await runText("openssl", [...verify, ...files]), "Verified Successfully");

    const inspect = [
      "inspect",
      "--raw",
      `oci-archive:${output}/kubesolo-update-image.tar:${version}`,
    ];
    const index = JSON.parse(await runText("skopeo", ["--insecure-policy", ...inspect]));
    assertEquals(index.manifests.length, 2);

    await checkBom(await Deno.readTextFile(`${output}/sbom.cdx.json`));
  });
});

async function checkBom(text: string): Promise<void> {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  assertEquals(await validator.validate(text), null);

  const bom: Bom = JSON.parse(text);
  assertEquals(bom.metadata.component.version, version);
  const known = new Set([bom.metadata.component, ...bom.components].map((one) => one["bom-ref"]));
  assertEquals(known.size, bom.components.length + 1);
  for (const { ref, dependsOn } of bom.dependencies) {
    for (const name of [ref, ...dependsOn]) assert(known.has(name), name);
  }

  const lock = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.lock`));
  const ofKind = (kind: string) =>
    bom.components.filter(({ purl }) => purl.startsWith(`pkg:${kind}/`));
  const agent = await compileAgent("x86_64");
  for (const { name, version, hashes, licenses } of ofKind("npm")) {
    const [, locked] = Object.entries<{ integrity: string }>(lock.npm)
      .find(([id]) => id.split("_")[0] === `${name}@${version}`) ?? [];
    assert(locked, `${name} is not in the lock file`);
    const content = Buffer.from(hashes?.[0].content ?? "", "hex").toString("base64");
    assertEquals(`sha512-${content}`, locked.integrity);
    assert(licenses, name);
    await runText("grep", ["-c", "-a", "-F", `"n":"${basename(name)}"`, agent]);
  }
  const names = ofKind("npm").map(({ name }) => name);
  assert(names.includes("commander") && !names.includes("fast-check"), names.join());
  assertMatch(ofKind("github")[0].purl, /deno@v\d+\.\d+\.\d+\?arch=x86_64/);
  assertEquals(ofKind("deb").filter(({ name }) => name === "libc6").length, 2);
}

Deno.test("a release is not made under another tag, nor signed with another kind of key", async () => {
  await inScratch(async (scratch) => {
    const other = await release(scratch, "--output", `${scratch}/out`, "--tag", "v99.0.0");
    assertStringIncludes(
      other.stderr,
      `wanted v${version}, the version in deno.json, found v99.0.0`,
    );
    const key = `${scratch}/rsa.key`;
    await runText("openssl", ["genpkey", "-algorithm", "rsa", "-out", key]);
    const rsa = await release(scratch, "--output", `${scratch}/out`, "--sign-key", key);
    assertStringIncludes(rsa.stderr, "a key of another algorithm than Ed25519");
    assertEquals([other.success, rsa.success], [false, false]);
    const made = await Array.fromAsync(Deno.readDir(scratch), ({ name }) => name);
    assertEquals(made.includes("out"), false, "nothing was built");
  });
});
