import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { believed, UpdateError } from "../../mod/core/mod.ts";
import { errorCodeOf } from "../../mod/omaha/mod.ts";
import { KeyTrust, parseRoot, RootTrust } from "../../mod/trust/mod.ts";
import { pattern, sha256 } from "../core/_recorded_sink.ts";
import { testKey } from "../trust/_keys.ts";
import { Fleet, FleetNode, manifestXml, offerXml, packageXml, responseXml } from "./_fleet.ts";

const [OURS, OTHER] = [1, 2].map(testKey);
const TRUST = new KeyTrust([OURS.publicKey]);
const KERNEL = pattern(10_000);
const INITRAMFS = pattern(20_000);

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The `latest.json` of the pair; `changes` replace members, undefined leaves one out. */
function statement(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    version: "2.0.0",
    channel: "stable",
    architecture: "x86_64",
    expires: "2030-01-01T00:00:00Z",
    metadata_version: 7,
    vmlinuz_url: "elsewhere/vmlinuz-2.0.0",
    vmlinuz_sha256: sha256(KERNEL),
    initramfs_url: "http://evil/kubesolo-os.gz",
    initramfs_sha256: sha256(INITRAMFS),
    ...changes,
  });
}

/** A server that offers the pair, below these codebases; each of `signed` lies in one, with its signature. */
function fleetWith(
  signed: Readonly<Record<string, readonly [text: string, signature?: Uint8Array<ArrayBuffer>]>>,
  version = "2.0.0",
): Fleet {
  const pair = [packageXml("vmlinuz", KERNEL), packageXml("kubesolo-os.gz", INITRAMFS)];
  const codebases = Object.keys(signed);
  const fleet: Fleet = new Fleet(() => {
    const urls = codebases.map((path) => `${fleet.url}${path}`);
    return new Response(responseXml(offerXml(urls, [manifestXml(version, pair)])));
  });
  for (const [path, [text, signature]] of Object.entries(signed)) {
    fleet.files.set(`${path}latest.json`, text);
    if (signature) fleet.files.set(`${path}latest.json.sig`, signature);
    fleet.files.set(`${path}vmlinuz`, KERNEL);
  }
  return fleet;
}

function signed(text: string, key = OURS): [string, Uint8Array<ArrayBuffer>] {
  return [text, key.sign(bytesOf(text))];
}

async function refusal(fleet: Fleet): Promise<string> {
  using node = new FleetNode(fleet.url, { trust: TRUST });
  const error = await assertRejects(() => node.latest(), UpdateError);
  assertEquals([error.code, errorCodeOf(error)], ["verification", 10], error.message);
  const payloads = fleet.fetched.filter((path) => !path.includes("latest.json"));
  assertEquals(payloads, [], "no byte of a package was asked for");
  return error.message;
}

Deno.test("a release is what the signed statement beside its packages says", async () => {
  await using fleet = fleetWith({ "/os/": signed(statement()) });
  using node = new FleetNode(fleet.url, { trust: TRUST });
  const release = await node.latest();
  assertEquals(release, {
    version: "2.0.0",
    channel: "stable",
    architecture: "x86_64",
    minCompatibleVersion: undefined,
    minAllowedVersion: undefined,
    notes: undefined,
    date: undefined,
    expires: "2030-01-01T00:00:00Z",
    metadataVersion: 7,
    signedBy: [OURS.publicKey.id],
    artifacts: [
      { name: "vmlinuz", sha256: sha256(KERNEL), size: KERNEL.length },
      { name: "kubesolo-os.gz", sha256: sha256(INITRAMFS), size: INITRAMFS.length },
    ],
  });
  assertEquals(fleet.fetched, ["/os/latest.json", "/os/latest.json.sig"]);
  const [kernel] = release!.artifacts;
  assertEquals(await node.fetch(kernel), kernel.sha256);
  assertEquals(fleet.fetched.at(-1), "/os/vmlinuz", "the statement's addresses are not used");
});

Deno.test("without a key no statement is asked for, and none is believed", async () => {
  await using fleet = fleetWith({ "/os/": signed(statement()) });
  using node = new FleetNode(fleet.url);
  const release = await node.latest();
  assertEquals([release?.signedBy, release?.channel, fleet.fetched], [undefined, undefined, []]);
  await assertRejects(() => Promise.try(() => believed(release!, TRUST)), UpdateError);
});

Deno.test("what is not signed, or by another key, or changed after that, is refused", async () => {
  const text = statement();
  const flipped = OURS.sign(bytesOf(text));
  flipped[20] ^= 1;
  const cases = [
    [text],
    [text, OTHER.sign(bytesOf(text))],
    [text, flipped],
    [statement({ version: "2.0.1" }), OURS.sign(bytesOf(text))],
  ] as const;
  for (const [text, signature] of cases) {
    await using fleet = fleetWith({ "/os/": [text, signature] });
    const message = await refusal(fleet);
    assertStringIncludes(message, "checking the signature of http://");
  }
  const twice = text.replace('"channel":"stable"', '"channel":"beta","channel":"stable"');
  await using fleet = fleetWith({ "/os/": signed(twice) });
  assertStringIncludes(await refusal(fleet), '"channel" twice');
  await using nothing = fleetWith({ "/os/": signed(text) });
  nothing.files.clear();
  using node = new FleetNode(nothing.url, { trust: TRUST });
  const error = await assertRejects(() => node.latest(), UpdateError);
  assertEquals([error.code, errorCodeOf(error)], ["source", 2404]);
});

Deno.test("a good statement of another release vouches for nothing", async () => {
  const others = [
    [statement({ version: "1.9.0" }), "version 2.0.0 is offered, 1.9.0 is stated"],
    [statement({ vmlinuz_sha256: sha256(INITRAMFS) }), "vmlinuz of SHA-256"],
    [statement({ initramfs_size: 20_001 }), "kubesolo-os.gz of 20000 bytes is offered"],
    [
      JSON.stringify({ version: "2.0.0", image_url: "x", image_sha256: sha256(KERNEL) }),
      "vmlinuz and kubesolo-os.gz is offered, image is stated",
    ],
  ];
  for (const [text, found] of others) {
    await using fleet = fleetWith({ "/os/": signed(text) });
    assertStringIncludes(await refusal(fleet), found);
  }
});

Deno.test("the statement is looked for at every codebase; a stepping stone of one counts", async () => {
  const stone = JSON.parse(statement());
  const newest = statement({
    version: "3.0.0",
    vmlinuz_sha256: sha256(INITRAMFS),
    min_compatible_version: "2.0.0",
    stepping_stones: [stone],
  });
  await using fleet = fleetWith({
    "/none/": [""],
    "/other/": signed(statement({ version: "1.0.0" })),
    "/os/": signed(newest),
  });
  using node = new FleetNode(fleet.url, { trust: TRUST });
  const release = await node.latest();
  assertEquals([release?.version, release?.signedBy], ["2.0.0", [OURS.publicKey.id]]);
});

Deno.test("roots of trust lie beside the statement, and take over", async () => {
  const root = (version: number, key: typeof OURS) =>
    JSON.stringify({ version, threshold: 1, keys: [{ name: "ops", key: key.word }], revoked: [] });
  const next = root(2, OTHER);
  const trust = new RootTrust(parseRoot(bytesOf(root(1, OURS))), () => Promise.resolve());
  await using fleet = fleetWith({ "/os/": signed(statement(), OTHER) });
  fleet.files.set("/os/trust/2.json", next);
  const both = [OURS, OTHER].map((key) => key.sign(bytesOf(next)).toBase64()).join("\n");
  fleet.files.set("/os/trust/2.json.sig", both);
  using node = new FleetNode(fleet.url, { trust });
  assertEquals((await node.latest())?.version, "2.0.0");
  using old = new FleetNode(fleet.url, { trust: TRUST });
  await assertRejects(() => old.latest(), UpdateError, "checking the signature");
});
