import { assert, assertEquals } from "@std/assert";
import { PrivateKey } from "../../mod/trust/mod.ts";
import { compileAgent, compileProgram } from "../../tasks/compile.ts";
import { ensureInstalled } from "../../tasks/debian.ts";
import { demoNeeds } from "../../tasks/demo/round_trip.ts";
import { makeReleases } from "../../tasks/demo/site.ts";
import { buildImage } from "../../tasks/image.ts";
import { ROOT } from "../../tasks/sources.ts";
import { task } from "../cli/_publishing.ts";

/** The blocks of the README's section "Air gap", in order. */
async function blocks(): Promise<readonly string[]> {
  const readme = await Deno.readTextFile(`${ROOT}/README.md`);
  const [, section] = readme.split("\n### Air gap\n");
  const [text] = section.split("\n### ");
  return [...text.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, block]) => block);
}

Deno.test("behind an air gap a node is provisioned and updated as the README says", async () => {
  await ensureInstalled(...demoNeeds(false));
  const [, cloudConfig, onBoot, commands] = await blocks();
  assert(cloudConfig.includes("pubkey: ") && onBoot.startsWith("#!/bin/sh"));
  const directory = await Deno.makeTempDir({ prefix: "air-gap-" });
  try {
    const releases = `${directory}/releases`;
    await makeReleases(releases, await compileAgent("x86_64"), [
      { version: "1.0.0" },
      { version: "2.0.0" },
    ]);
    const key = PrivateKey.generate();
    await Deno.writeTextFile(`${directory}/update.key`, key.format());
    const carry = `${directory}/carry`;
    await compileProgram("provision", "x86_64", carry);
    const slot = `${releases}/1.0.0`;
    await buildImage({ output: `${carry}/kubesolo-os.img`, slotA: slot, slotB: slot });
    await task("bundle", [
      ...["--release", `${releases}/2.0.0`, "--sign-key", `${directory}/update.key`],
      ...["--output", `${carry}/os-2.0.0.ksu`],
    ]);
    const own = cloudConfig.replace(/pubkey: .*/, `pubkey: ${key.publicKey.bytes.toHex()}`);
    await Deno.writeTextFile(`${carry}/node.yaml`, own);
    await Deno.writeTextFile(`${carry}/on-boot`, onBoot);

    const { success, stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...["--net", Deno.execPath(), "run", "--allow-all", "--cached-only", "--no-check"],
        ...["tests/vm/_air_gap_walk.ts", carry, commands],
      ],
      cwd: ROOT,
      env: { RUST_BACKTRACE: "0" },
      stdin: "null",
    }).output();
    const [said, complained] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(success, true, `${said}${complained}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
