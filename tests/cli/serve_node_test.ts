import { assertEquals, assertStringIncludes } from "@std/assert";
import { ImageLayout } from "../../mod/oras/mod.ts";
import { PrivateKey, signFile } from "../../mod/trust/mod.ts";
import { publishRelease } from "../../tasks/publish/artifact.ts";
import { signManifest } from "../../tasks/publish/sign.ts";
import { APP, putRelease, type ReleaseWords } from "../serve/_directory.ts";
import { ServeProcess } from "./_serve_process.ts";
import { TestNode } from "./_test_node.ts";

const DIR = "/var/lib/kubesolo/serve";

Deno.test("a node with a key goes from release to release over HTTP, Omaha and the registry", async () => {
  await using node = await TestNode.create();
  const key = PrivateKey.generate();
  const outside = `${node.disk.directory}/served`;
  const put = async (name: string, words: ReleaseWords) => {
    const latest = await putRelease(`${outside}/${name}`, words);
    const signature = signFile(key, new TextEncoder().encode(latest), "base64");
    await Deno.writeFile(`${outside}/${name}/latest.json.sig`, signature);
  };
  await put("old", { version: "1.5.0" });
  await put("stable", { version: "2.0.0", min: "1.5.0" });
  const layout = await ImageLayout.create(`${outside}/os/kubesolo`);
  const { manifest } = await publishRelease(`${outside}/old`, layout, "stable");
  await signManifest(layout, manifest, key);
  await node.sandbox.sh(`cp -r ${outside} ${DIR}`);

  await using server = new ServeProcess(node.sandbox);
  const url = await server.url;
  for (const said of ["/old offers 1.5.0", "/stable offers 2.0.0", "os/kubesolo has stable"]) {
    await server.waitFor(said);
  }
  await node.put(
    "/etc/kubesolo/update.conf",
    `omaha=${url}\napp_id=${APP}\npubkey=${key.publicKey.bytes.toHex()}\n`,
  );
  const asked = async (...source: readonly string[]) => {
    const { code, stdout, stderr } = await node.update("check", "--json", ...source);
    return [code, code === 10 ? JSON.parse(stdout).version : stderr];
  };
  const registry = ["--registry", `${new URL(url).host}/os/kubesolo`, "--plain-http"];
  assertEquals(await asked("--server", `${url}/old`), [10, "1.5.0"]);
  assertEquals(await asked(...registry), [10, "1.5.0"]);
  assertEquals(await asked(), [10, "1.5.0"]);

  const nodeSeen = async () => {
    const { nodes } = await (await fetch(`${url}/status.json`)).json();
    const [{ version, phase, target }] = nodes.filter(({ isAddress }: { isAddress: boolean }) =>
      !isAddress
    );
    return `${version} ${phase} ${target}`;
  };
  assertEquals(await nodeSeen(), "1.0.0 offered 1.5.0");
  for (const [from, to, slot] of [["1.0.0", "1.5.0", "B"], ["1.5.0", "2.0.0", "A"]] as const) {
    const applied = await node.update("apply");
    assertEquals([applied.code, await node.slot(slot)], [0, to], applied.stderr);
    assertEquals(await nodeSeen(), `${from} downloaded ${to}`);
    const activated = await node.update("activate");
    assertEquals(activated.code, 0, activated.stderr);
    assertEquals(await nodeSeen(), `${from} installed ${to}`);
    await node.boots(slot, "trial");
    const healthy = await node.update("healthcheck");
    assertEquals(healthy.code, 0, healthy.stderr);
    assertEquals(await nodeSeen(), `${to} updated ${to}`);
    await node.boots(slot, "normal");
  }
  const { nodes } = await (await fetch(`${url}/status.json`)).json();
  const addresses = nodes.filter(({ isAddress }: { isAddress: boolean }) => isAddress);
  assertEquals(addresses.map(({ id, phase }: { id: string; phase: string }) => [id, phase]), [
    ["127.0.0.1", "seen"],
  ]);
  assertStringIncludes(server.said, "runs 1.5.0, and is offered 2.0.0");
});
