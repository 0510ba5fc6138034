import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { GateResult } from "../../mod/core/mod.ts";
import { PrivateKey } from "../../mod/trust/mod.ts";
import { Registry } from "../oras/_registry.ts";
import { releaseDirectory, task } from "./_publishing.ts";
import { TestNode } from "./_test_node.ts";

const LOGIN = { username: "node", password: "a:secret with spaces" };

/** What podman and docker write at a login, for tasks and for the node. */
async function login(node: TestNode, registry: Registry): Promise<string> {
  const auth = btoa(`${LOGIN.username}:${LOGIN.password}`);
  const text = JSON.stringify({ auths: { [registry.host]: { auth } } });
  const directory = `${node.disk.directory}/docker`;
  await Deno.mkdir(directory);
  await Deno.writeTextFile(`${directory}/config.json`, text);
  await node.sandbox.sh(`echo '${text}' >/etc/kubesolo/registry-auth.json`);
  return directory;
}

Deno.test("a release goes from publish through a registry into the slot", async () => {
  await using registry = await Registry.start({ login: LOGIN });
  await using node = await TestNode.create();
  const release = await releaseDirectory(node, "2.0.0");
  const repository = `${registry.host}/site/os`;
  const ask = (command: string, ...more: string[]) =>
    node.update(command, "--registry", repository, "--plain-http", ...more);

  const nobody = await ask("check");
  assertEquals(nobody.code, 40, nobody.stderr);

  const config = await login(node, registry);
  const to = (tag: string) => ["--to", `${repository}:${tag}`, "--plain-http"];
  const { stdout: said } = await task(
    "publish",
    ["--release", release, ...to("2.0.0-amd64")],
    config,
  );
  assertMatch(said, /^127\.0\.0\.1:\d+\/site\/os:2\.0\.0-amd64 {2}sha256:[0-9a-f]{64}\n$/);
  await task("publish_index", ["--manifest", "2.0.0-amd64", ...to("stable")], config);

  const there = await ask("check", "--json");
  assertEquals(there.code, 10, there.stderr);
  assertEquals(JSON.parse(there.stdout).version, "2.0.0");
  assertEquals(JSON.parse(there.stdout).size, 2_300_000);

  const applied = await ask("apply");
  assertEquals(applied.code, 0, applied.stderr);
  assertEquals(await node.slot("B"), "2.0.0");
  const state = await node.state();
  assertEquals(state.phase, "staged");

  // the same release by HTTP has the same digest: nothing is fetched again
  const same = await node.ask("apply");
  assertStringIncludes(same.stdout, "2.0.0 is staged in slot B already");

  const key = PrivateKey.generate();
  const file = `${node.disk.directory}/update.key`;
  await Deno.writeTextFile(file, key.format("correct horse"));
  await Deno.writeTextFile(`${file}.words`, "correct horse\n");
  await node.sandbox.sh(`echo 'pubkey=${key.publicKey.bytes.toHex()}' >/etc/kubesolo/update.conf`);
  const unsigned = await ask("check");
  assertEquals(unsigned.code, 30, unsigned.stderr);
  assertStringIncludes(unsigned.stderr, `a signature of key ${key.publicKey.id}, found none at`);

  const sign = ["--sign-key", file, "--passphrase-file", `${file}.words`];
  await task("publish_index", ["--manifest", "2.0.0-amd64", ...to("stable"), ...sign], config);
  const signed = await ask("check", "--json");
  assertEquals(signed.code, 10, signed.stderr);
  const { gates } = JSON.parse(signed.stdout) as { gates: readonly GateResult[] };
  assertEquals(gates.find(({ gate }) => gate === "signature")?.found, key.publicKey.id);

  const other = await releaseDirectory(node, "3.0.0");
  await task("publish", ["--release", other, ...to("stable")], config);
  const replaced = await ask("apply", "--force");
  assertEquals(replaced.code, 30, replaced.stderr);
  await task("publish", ["--release", other, ...to("stable"), ...sign], config);
  const again = await ask("apply");
  assertEquals([again.code, await node.slot("B")], [0, "3.0.0"], again.stderr);
});

Deno.test("server= in update.conf takes a repository, and --tag chooses the release", async () => {
  await using registry = await Registry.start();
  await using node = await TestNode.create();
  const release = await releaseDirectory(node, "2.0.0");
  const repository = `${registry.host}/site/os`;
  await task("publish", ["--release", release, "--to", `${repository}:beta`, "--plain-http"], "/");
  await node.sandbox.sh(`echo 'server=${repository}' >/etc/kubesolo/update.conf`);
  const stable = await node.update("check", "--plain-http");
  assertEquals(stable.code, 40, stable.stderr);
  assertStringIncludes(stable.stderr, `${repository}:stable`);
  const beta = await node.update("check", "--plain-http", "--tag", "beta");
  assertEquals(beta.code, 10, beta.stderr);
});

Deno.test("names that are no repository, and two sources at once, are usage errors", async () => {
  await using node = await TestNode.create();
  const short = await node.update("check", "--registry", "alpine");
  assertEquals(short.code, 2, short.stderr);
  await node.sandbox.sh("echo garbage >/etc/kubesolo/registry-auth.json");
  const garbled = await node.update("check", "--registry", "registry.lan/os");
  assertEquals(garbled.code, 2, garbled.stderr);
  assertStringIncludes(garbled.stderr, "/etc/kubesolo/registry-auth.json");
  assertEquals(garbled.stderr.includes("garbage"), false, "what is in it is a secret");
  const both = await node.ask("check", "--registry", "registry.lan/os");
  assertEquals(both.code, 2, both.stderr);
  assertStringIncludes(both.stderr, "--server");
  assertEquals(await node.grubenv(), ["A/3/1", "A/3/1"]);
});

Deno.test("a registry that is gone in the middle costs nothing", async () => {
  await using registry = await Registry.start();
  await using node = await TestNode.create();
  const release = await releaseDirectory(node, "2.0.0");
  const repository = `${registry.host}/site/os`;
  await task(
    "publish",
    ["--release", release, "--to", `${repository}:stable`, "--plain-http"],
    "/",
  );
  await registry.stop();
  const gone = await node.update("apply", "--registry", repository, "--plain-http");
  assertEquals(gone.code, 40, gone.stderr);
  assertEquals((await node.state()).phase, "failed");
  assertEquals(await node.slot("B"), "1.0.0", "nothing was written");
});
