import { assertEquals, assertRejects } from "@std/assert";
import { type Artifact, UpdateError } from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import { parseLatest, parseSteppingStones } from "../../mod/http/mod.ts";
import { DirectorySource, MAX_LATEST_BYTES } from "../../mod/media/mod.ts";
import { KeyTrust, type Trust } from "../../mod/trust/mod.ts";
import { TemporaryDirectory } from "../oras/_image.ts";
import { testKey } from "../trust/_keys.ts";

const SHA256 = "0".repeat(64);

/** A directory with `latest.json`, and `release/root.img` of ten bytes. */
class Stick extends TemporaryDirectory {
  get home(): string {
    return `${this.path}/stick`;
  }

  async write(changes: Record<string, unknown> = {}, text?: string): Promise<Uint8Array> {
    await Deno.mkdir(`${this.home}/release`, { recursive: true });
    await Deno.writeTextFile(`${this.home}/release/root.img`, "0123456789");
    const latest = { version: "2.0.0", image_url: "release/root.img", image_sha256: SHA256 };
    const bytes = new TextEncoder().encode(text ?? JSON.stringify({ ...latest, ...changes }));
    await Deno.writeFile(`${this.home}/latest.json`, bytes);
    return bytes;
  }

  source(trust?: Trust): DirectorySource {
    const reader = { latest: parseLatest, steppingStones: parseSteppingStones };
    return new DirectorySource({ directory: this.home, disk: new DenoDisk(), reader, trust });
  }
}

async function fails(work: () => Promise<unknown>, code: string): Promise<string> {
  const error = await assertRejects(work, UpdateError);
  assertEquals(error.code, code, error.message);
  return error.found;
}

const IMAGE: Artifact = { name: "image", sha256: SHA256 };

Deno.test("a file of the directory comes from any offset on, with its size", async () => {
  await using stick = new Stick();
  await stick.write();
  const source = stick.source();
  assertEquals((await source.latest()).version, "2.0.0");
  const { offset, size, stream } = await source.open(IMAGE, 4);
  assertEquals([offset, size, await new Response(stream).text()], [4, 10, "456789"]);
  await fails(() => source.open({ ...IMAGE, sha256: "1".repeat(64) }, 0), "source");
});

Deno.test("stepping stones lie in the same directory", async () => {
  await using stick = new Stick();
  const stone = { version: "1.5.0", image_url: "release/old.img", image_sha256: "1".repeat(64) };
  await stick.write({ stepping_stones: [stone] });
  await Deno.writeTextFile(`${stick.home}/release/old.img`, "old");
  const source = stick.source();
  await source.latest();
  assertEquals((await source.steppingStones()).map(({ version }) => version), ["1.5.0"]);
  const body = await source.open({ ...IMAGE, sha256: "1".repeat(64) }, 0);
  assertEquals(await new Response(body.stream).text(), "old");

  await stick.write({ stepping_stones: [{ ...stone, image_url: "../old.img" }] });
  await source.latest();
  await fails(() => source.steppingStones(), "verification");
});

Deno.test("no address and no link leads out of the directory", async () => {
  await using stick = new Stick();
  await Deno.writeTextFile(`${stick.path}/secret`, "secret");
  const addresses = [
    ...["../secret", "/secret", "//host/secret", "http://host/secret", "release/../../secret"],
    ...["%2e%2e/secret", "..%2fsecret", "release%2f..%2f..%2fsecret", "..\\secret", "x%00", "x?y"],
    ...["%", "release/", "http://directory.invalid/secret", `${stick.path}/secret`],
  ];
  for (const image_url of addresses) {
    await stick.write({ image_url });
    await fails(() => stick.source().latest(), "verification");
  }
  await stick.write({ image_url: "link" });
  await Deno.symlink("../secret", `${stick.home}/link`);
  const source = stick.source();
  await source.latest();
  const found = await fails(() => source.open(IMAGE, 0), "verification");
  assertEquals(found, "a link that leads out of the directory");
  await Deno.remove(`${stick.home}/latest.json`);
  await Deno.symlink("../secret", `${stick.home}/latest.json`);
  await fails(() => stick.source().latest(), "verification");
  // a sibling whose name begins alike is not inside either
  await Deno.mkdir(`${stick.home}-other`);
  await Deno.writeTextFile(`${stick.home}-other/latest.json`, "{}");
  await Deno.remove(`${stick.home}/latest.json`);
  await Deno.symlink("../stick-other/latest.json", `${stick.home}/latest.json`);
  assertEquals(await fails(() => stick.source().latest(), "verification"), found);
});

Deno.test("a link within the directory is followed, and what is no file is refused", async () => {
  await using stick = new Stick();
  await stick.write({ image_url: "current" });
  await Deno.symlink("release/root.img", `${stick.home}/current`);
  const source = stick.source();
  await source.latest();
  assertEquals(await new Response((await source.open(IMAGE, 0)).stream).text(), "0123456789");
  await Deno.remove(`${stick.home}/current`);
  await fails(() => source.open(IMAGE, 0), "source");
  await Deno.mkdir(`${stick.home}/current`);
  assertEquals(await fails(() => source.open(IMAGE, 0), "verification"), "not a regular file");
});

Deno.test("a latest.json that is missing, too long or none is named by its path", async () => {
  await using stick = new Stick();
  await Deno.mkdir(stick.home);
  await fails(() => stick.source().latest(), "source");
  await stick.write({}, " ".repeat(MAX_LATEST_BYTES + 1));
  await fails(() => stick.source().latest(), "verification");
  await stick.write({ version: 7 });
  const error = await assertRejects(() => stick.source().latest(), UpdateError);
  assertEquals(error.operation, `reading ${stick.home}/latest.json`);
});

Deno.test("with a key, latest.json counts only with a signature beside it", async () => {
  await using stick = new Stick();
  const [key, other] = [testKey(1), testKey(2)];
  const source = stick.source(new KeyTrust([key.publicKey]));
  const bytes = await stick.write();
  await fails(() => source.latest(), "verification");
  await Deno.writeFile(`${stick.home}/latest.json.sig`, other.sign(bytes));
  await fails(() => source.latest(), "verification");
  await Deno.writeFile(`${stick.home}/latest.json.sig`, key.sign(bytes));
  assertEquals((await source.latest()).signedBy?.length, 1);

  const twice = await stick.write({}, '{"version": "1.0.0", "version": "2.0.0"}');
  await Deno.writeFile(`${stick.home}/latest.json.sig`, key.sign(twice));
  const found = await fails(() => source.latest(), "verification");
  assertEquals(found, 'the member "version" twice in one object');
});

Deno.test("roots of trust beside latest.json take over in their order", async () => {
  await using stick = new Stick();
  await stick.write();
  await Deno.mkdir(`${stick.home}/trust`);
  for (const version of [2, 3, 5]) {
    await Deno.writeTextFile(`${stick.home}/trust/${version}.json`, `root ${version}`);
  }
  const seen: string[] = [];
  const trust: Trust = {
    wanted: "anything",
    judge: () => Promise.resolve({ signedBy: [seen.join(", ")] }),
    stillBelieves: () => true,
    chain: {
      get next() {
        return seen.length + 2;
      },
      extend: ({ bytes }) => {
        seen.push(new TextDecoder().decode(bytes));
        return Promise.resolve();
      },
    },
  };
  assertEquals((await stick.source(trust).latest()).signedBy, ["root 2, root 3"]);
});
