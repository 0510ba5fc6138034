import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { ensureInstalled } from "../../../tasks/debian.ts";
import { sha256OfFile } from "../../../tasks/digest.ts";
import { ensureImageTools } from "../../../tasks/image.ts";
import { run, runText } from "../../../tasks/run.ts";
import { task } from "../../cli/_publishing.ts";
import { smallRelease } from "../_small_image.ts";
import { assertSameSystem, dataOf, DOCUMENT, KEY, LEFTOVERS, NODE, STICK } from "./_provisioned.ts";
import { Workshop } from "./_workshop.ts";

await ensureImageTools();
await ensureInstalled("sgdisk", "e2fsck");

/** A bundle in the directory that the tool is started in. */
async function makeBundle(shop: Workshop): Promise<string> {
  const release = `${shop.directory}/two`;
  const output = `${shop.directory}/os-2.0.0.ksu`;
  await smallRelease(release, "2.0.0");
  const latest = {
    ...{ version: "2.0.0", channel: "stable", architecture: "x86_64" },
    ...{ vmlinuz_url: "vmlinuz", vmlinuz_sha256: await sha256OfFile(`${release}/vmlinuz`) },
    initramfs_url: "kubesolo-os.gz",
    initramfs_sha256: await sha256OfFile(`${release}/kubesolo-os.gz`),
  };
  await Deno.writeTextFile(`${release}/latest.json`, JSON.stringify(latest));
  await task("bundle", ["--release", release, "--output", output]);
  return output;
}

/** What a document is to be once a name and a key were added. */
const MERGED = DOCUMENT.replace("shed #", "node-7 #").replace("KEY", KEY) + `  - ${KEY} berta\n`;

Deno.test("a stick becomes a node's disk, without a network, an environment or Deno", async () => {
  await using shop = await Workshop.create([STICK]);
  const bundle = await makeBundle(shop);
  await shop.write("node.yaml", DOCUMENT.replace("KEY", KEY));
  await shop.write("keys/id.pub", `# of the team\n${KEY} berta\n${KEY} anna\n`);
  const network = "network:\n  version: 2\n  ethernets:\n    eth0: {addresses: [10.0.0.7/24]}\n";
  await shop.write("network.yaml", network);
  await shop.write("on-boot", "#!/bin/sh\necho up\n");

  const flags = ["--hostname", "node-7", "--ssh-key", "keys/id.pub", "--bundle", "os-2.0.0.ksu"];
  const more = ["--network-config", "network.yaml", "--on-boot", "on-boot"];
  const all = ["--device", "/dev/sdy", ...NODE, ...flags, ...more];
  const unasked = await shop.provision(...all);
  assertEquals(unasked.code, 2, unasked.stderr);
  assertStringIncludes(
    unasked.stderr,
    "asking whether to write over /dev/sdy: no terminal; add --yes",
  );
  const ran = await shop.provision(...all, "--yes", "--json");
  assertEquals(ran.code, 0, ran.stderr);
  const report = JSON.parse(ran.stdout);
  const { target, model, serial, size, hostname, direct } = report;
  assertEquals(
    [target, model, serial, size, hostname, direct],
    ["/dev/sdy", "SanDisk Ultra", "4C5310", 160 << 20, "node-7", true],
  );

  const loop = shop.loops["sdy"];
  assertStringIncludes(await runText("sgdisk", ["--verify", loop]), "No problems found");
  const data = await dataOf(loop);
  assertEquals(data.size, (160 - 1 - 67) << 20);
  await data.check();
  assertEquals(await data.cat("etc-kubesolo/cloud-config.yaml"), MERGED);
  assertEquals(await data.cat("cloud/seed/nocloud/user-data"), MERGED);
  assertEquals(await data.cat("cloud/seed/nocloud/network-config"), network);
  assertEquals(
    await data.cat("cloud/seed/nocloud/meta-data"),
    `instance-id: ${report.instanceId}\nlocal-hostname: node-7\n`,
  );
  assert(/Mode: +0600/.test(await data.stat("cloud/seed/nocloud/user-data")));
  assert(/Mode: +0755/.test(await data.stat("etc-kubesolo/on-boot")));
  assertEquals(
    createHash("sha256").update(await data.bytes("kubesolo/bundle/os-2.0.0.ksu")).digest("hex"),
    await sha256OfFile(bundle),
  );
  await assertSameSystem(loop, `${shop.directory}/os.img`);
  // neither mounts nor scratch files are left
  assertEquals(await shop.sh(LEFTOVERS), "0\n");

  // again, onto what was made before, by somebody who is asked
  const wrong = await shop.provisionAtTerminal("y\n", "--device", "/dev/sdy", ...NODE);
  assertEquals(wrong.code, 20, wrong.stdout);
  assertStringIncludes(
    wrong.stdout,
    "Everything on /dev/sdy (SanDisk Ultra, 160 MiB, serial number 4C5310) will be lost.",
  );
  assertStringIncludes(wrong.stdout, "another answer than yes; nothing was written");
  const broken = await shop.provisionAtTerminal("\x03", "--device", "/dev/sdy", ...NODE);
  assertEquals(broken.code, 20, broken.stdout);
  assertStringIncludes(broken.stdout, "another answer than yes; nothing was written");
  assertEquals(await (await dataOf(loop)).cat("cloud/seed/nocloud/user-data"), MERGED);
  const asked = await shop.provisionAtTerminal("yes\n", "--device", "/dev/sdy", ...NODE);
  assertEquals(asked.code, 0, asked.stdout);
  assertStringIncludes(asked.stdout, "100 % of 82 MiB");
  assertStringIncludes(asked.stdout, "/dev/sdy  160 MiB  shed");
  await (await dataOf(loop)).check();
});

Deno.test("a broken-off run leaves nothing that boots; without e2fsprogs none begins", async () => {
  await using shop = await Workshop.create([STICK]);
  await shop.write("node.yaml", "#cloud-config\n");
  const running = shop.startTool("--device", "/dev/sdy", ...NODE, "--yes");
  let said = "";
  let broken = false;
  for await (const bytes of running.stderr) {
    said += new TextDecoder().decode(bytes);
    if (broken || !said.includes("writing 82 MiB …\n")) continue;
    running.kill("SIGINT");
    broken = true;
  }
  await running.stdout.cancel();
  assertEquals((await running.status).code, 20, said);
  assertStringIncludes(said, "broken off by SIGINT; what was begun boots nothing; run it again");
  assertEquals(await shop.sh(LEFTOVERS), "0\n");
  const first = await run("dd", [`if=${shop.loops["sdy"]}`, "bs=1M", "count=1", "status=none"]);
  assert(first.every((byte) => byte === 0), "neither boot code nor a table");

  const closing = shop.startAtTerminal("--device", "/dev/sdy", ...NODE, "--yes");
  const window = closing.stdout.getReader();
  for (let shown = ""; !shown.includes("writing …");) {
    shown += new TextDecoder().decode((await window.read()).value);
  }
  closing.kill("SIGKILL");
  await Promise.all([window.cancel(), closing.stderr.cancel(), closing.stdin.close()]);
  await closing.status;
  await shop.sh("timeout 60 sh -c 'while [ -e /run/kubesolo-provision ]; do sleep 0.1; done'");
  assertEquals(await shop.sh(LEFTOVERS), "0\n", "nor when its window is closed");

  await shop.sh("mount --bind /usr/bin/false /usr/bin/dd");
  const cached = await shop.provision("--device", "/dev/sdy", ...NODE, "--yes");
  assertEquals(cached.code, 0, cached.stderr);
  assertStringIncludes(cached.stderr, "warning: it was read back from the kernel's memory");
  await (await dataOf(shop.loops["sdy"])).check();

  await shop.sh("mkdir /run/empty; mount --bind /run/empty /usr/sbin");
  const ran = await shop.provision("--device", "/dev/sdy", ...NODE, "--yes");
  assertEquals(ran.code, 2, ran.stderr);
  assertStringIncludes(ran.stderr, "no mke2fs, no resize2fs, no debugfs, no e2fsck in /usr/sbin");
  assertStringIncludes(ran.stderr, "install the package e2fsprogs");
});
