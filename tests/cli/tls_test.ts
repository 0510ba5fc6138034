import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { MAX_PEM_BYTES } from "../../mod/cli/tls.ts";
import { parseReference, RegistryClient, Repository } from "../../mod/oras/mod.ts";
import { publishRelease } from "../../tasks/publish/artifact.ts";
import { Authority, type Issued } from "../certificates.ts";
import { startNginx } from "../http/_nginx.ts";
import { closedPort } from "../http/_servers.ts";
import { run } from "../loop_disk.ts";
import { ConnectProxy } from "../oras/_connect_proxy.ts";
import { Registry } from "../oras/_registry.ts";
import { complaintOf } from "./_aftermath.ts";
import { TestNode } from "./_test_node.ts";

/** A node with the files of a private authority, as its operator puts them there. */
async function nodeOf(authority: Authority, ca: string, own: Issued): Promise<TestNode> {
  const node = await TestNode.create();
  await node.put("/etc/kubesolo/ca.pem", await Deno.readFile(ca));
  await node.put("/etc/kubesolo/node.pem", await Deno.readFile(own.certificate));
  await node.put("/etc/kubesolo/node.key", await Deno.readFile(own.key));
  const late = await authority.issue("late", { expired: true });
  await node.put("/etc/kubesolo/late.pem", await Deno.readFile(late.certificate));
  await node.put("/etc/kubesolo/late.key", await Deno.readFile(late.key));
  return node;
}

/** A release in the server's directory as files, and in a directory for publishing. */
async function releaseOf(node: TestNode, www: string): Promise<string> {
  await node.publish({ version: "2.0.0" });
  const directory = `${node.disk.directory}/release`;
  await Deno.mkdir(directory);
  for (
    const [name, as] of [["vmlinuz-2.0.0", "vmlinuz"], ["kubesolo-os-2.0.0.gz", "kubesolo-os.gz"]]
  ) {
    await Deno.copyFile(`${node.www}/${name}`, `${directory}/${as}`);
    await Deno.copyFile(`${node.www}/${name}`, `${www}/${name}`);
  }
  await Deno.copyFile(`${node.www}/latest.json`, `${directory}/latest.json`);
  await Deno.copyFile(`${node.www}/latest.json`, `${www}/latest.json`);
  return directory;
}

const CA = ["--ca-file", "/etc/kubesolo/ca.pem"];
const OWN = ["--client-cert", "/etc/kubesolo/node.pem", "--client-key", "/etc/kubesolo/node.key"];
const LATE = ["--client-cert", "/etc/kubesolo/late.pem", "--client-key", "/etc/kubesolo/late.key"];

Deno.test("with a private authority and a certificate of its own, the agent is let in", async () => {
  const directory = await Deno.makeTempDir();
  const authority = await Authority.create(directory);
  const [own, web] = [await authority.issue("node"), await authority.issue("web")];
  await using registry = await Registry.start({ tls: true, clients: authority });
  const registryCa = `${registry.directory}/ca.crt`;
  await using node = await nodeOf(authority, registryCa, own);
  const stale = await authority.issue("stale", { expired: true });
  const [port, stalePort] = [closedPort(), closedPort()];
  await using nginx = await startNginx((root) => `
    server {
      listen 127.0.0.1:${stalePort} ssl; root ${root};
      ssl_certificate ${stale.certificate}; ssl_certificate_key ${stale.key};
    }
    server {
      listen 127.0.0.1:${port} ssl; root ${root}; ssl_verify_client on;
      ssl_client_certificate ${authority.certificate};
      ssl_certificate ${web.certificate}; ssl_certificate_key ${web.key};
      location ~ \\.gz$ { add_header Content-Encoding gzip; }
    }`);
  const release = await releaseOf(node, nginx.directory);
  const name = `${registry.host}/site/os`;
  {
    using httpClient = Deno.createHttpClient({
      caCerts: [await Deno.readTextFile(registryCa)],
      cert: await Deno.readTextFile(own.certificate),
      key: await Deno.readTextFile(own.key),
    });
    const client = new RegistryClient({ httpClient });
    await publishRelease(release, new Repository(parseReference(name), client), "stable");
  }

  const ask = (...more: string[]) => node.update("apply", "--registry", name, ...more);
  // now and then the server's alert is lost, when it hangs up while the request is on its way
  const refused: readonly [flags: string[], says: RegExp][] = [
    [[], /UnknownIssuer; trust the authority that issued it with --ca-file, or see/],
    [CA, /; (present|see whether) .*--client-cert and --client-key/],
    [[...CA, ...LATE], /; (present|see whether) .*--client-cert and --client-key/],
  ];
  for (const [flags, says] of refused) {
    const ran = await ask(...flags);
    assertEquals(ran.code, 40, ran.stderr);
    assertMatch(complaintOf(ran), says);
    assertEquals(await node.slot("B"), "1.0.0", "nothing was written");
  }

  await using proxy = new ConnectProxy();
  const check = (...env: string[]) =>
    node.sandbox.run("env", ...env, node.sandbox.agent, "check", "--registry", name, ...CA, ...OWN);
  assertEquals((await check(`HTTPS_PROXY=${proxy.url}`)).code, 10);
  assertEquals(new Set(proxy.tunnels), new Set([registry.host]));
  proxy.tunnels.length = 0;
  assertEquals((await check(`HTTPS_PROXY=${proxy.url}`, "NO_PROXY=127.0.0.1")).code, 10);
  assertEquals(proxy.tunnels, []);

  const applied = await ask(...CA, ...OWN);
  assertEquals(applied.code, 0, applied.stderr);
  assertEquals(await node.slot("B"), "2.0.0");

  // the same by HTTP, from the settings, and of a .gz that nginx marks as encoded
  await node.fill("B", "1.0.0");
  await node.sandbox.sh("rm -r /var/lib/kubesolo/update");
  await node.put("/etc/kubesolo/ca.pem", await Deno.readFile(authority.certificate));
  const settings = `server=https://127.0.0.1:${port}\nca_file=/etc/kubesolo/ca.pem\n`;
  await node.put("/etc/kubesolo/update.conf", settings);
  const nobody = await node.update("check");
  assertEquals(nobody.code, 40, nobody.stderr);
  assertStringIncludes(nobody.stderr, "--client-cert");
  const late = await node.update("check", "--server", `https://127.0.0.1:${stalePort}`);
  assertEquals(late.code, 40, late.stderr);
  assertMatch(
    complaintOf(late),
    /certificate expired: .*; see that the node's clock is right, and/,
  );
  const pair = "client_cert=/etc/kubesolo/node.pem\nclient_key=/etc/kubesolo/node.key\n";
  await node.put("/etc/kubesolo/update.conf", settings + pair);
  const second = await node.update("apply");
  assertEquals(second.code, 0, second.stderr);
  assertEquals(await node.slot("B"), "2.0.0");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("files that are no certificates and keys are usage errors that name them", async () => {
  const directory = await Deno.makeTempDir();
  const authority = await Authority.create(directory);
  const own = await authority.issue("node");
  await using node = await nodeOf(authority, authority.certificate, own);
  const weak = `${directory}/weak`;
  await run(
    "openssl",
    ...["req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=weak"],
    ...["-keyout", `${weak}.key`, "-out", `${weak}.pem`],
  );
  const files: Record<string, string | Uint8Array> = {
    "garbage.pem": "SECRET garbage",
    "broken.pem": "-----BEGIN CERTIFICATE-----\nSECRET\n-----END CERTIFICATE-----\n",
    "broken.key": "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n",
    "large.pem": new Uint8Array(MAX_PEM_BYTES + 1),
    "weak.pem": await Deno.readFile(`${weak}.pem`),
    "weak.key": await Deno.readFile(`${weak}.key`),
    "both.pem": await Deno.readTextFile(authority.certificate) +
      "-----BEGIN CERTIFICATE-----\nSECRET\n-----END CERTIFICATE-----\n",
  };
  for (const [name, contents] of Object.entries(files)) {
    await node.put(`/etc/kubesolo/${name}`, contents);
  }
  const cases: readonly [flags: string, says: RegExp][] = [
    ["--ca-file none.pem", /^reading .*none.pem: No such file.*; name the right PEM file, in/],
    ["--ca-file .", /^reading --ca-file: .* lies outside of what this program may read; name a/],
    ["--ca-file garbage.pem", /^reading .*garbage.pem: no certificate in PEM; /],
    ["--ca-file node.key", /^reading .*node.key: no certificate in PEM; /],
    ["--ca-file broken.pem", /^reading .*broken.pem: a certificate that cannot be read; /],
    ["--ca-file both.pem", /^reading .*both.pem: a certificate, number 2 of 2, that cannot be/],
    ["--ca-file large.pem", /^reading .*large.pem: more than 1048576 bytes; /],
    ["--client-cert node.pem", /--client-cert without --client-key; give both/],
    ["--client-key node.key", /--client-key without --client-cert; give both/],
    ["--client-cert node.pem --client-key broken.key", /broken.key: a private key that cannot be/],
    ["--client-cert node.pem --client-key node.pem", /node.pem: no unencrypted private key in PEM/],
    [
      "--client-cert node.pem --client-key late.key",
      /late.key: another key than that of the first/,
    ],
    [
      "--client-cert weak.pem --client-key weak.key",
      /weak.key: a key that is none of RSA \(2048 b/,
    ],
  ];
  for (const source of [["--server", node.url], ["--registry", "registry.lan/os"]]) {
    for (const [flags, says] of cases) {
      const words = flags.split(" ").map((word) =>
        word.startsWith("--") ? word : `/etc/kubesolo/${word}`
      );
      const ran = await node.update("apply", ...source, ...words);
      assertEquals(ran.code, 2, ran.stderr);
      assertMatch(complaintOf(ran), says);
      assertEquals(/SECRET|BEGIN/.test(ran.stderr), false, ran.stderr);
    }
  }
  const outside = await node.ask("check", "--ca-file", "/etc/ssl/ca.pem");
  assertEquals(outside.code, 2, outside.stderr);
  assertStringIncludes(outside.stderr, "/etc/ssl/ca.pem lies outside");
  assertEquals(node.requests, [], "nobody was asked");
  await Deno.remove(directory, { recursive: true });
});
