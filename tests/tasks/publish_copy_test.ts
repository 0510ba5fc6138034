import { assertEquals, assertRejects } from "@std/assert";
import { cosignTag, OciSource } from "../../mod/oci/mod.ts";
import { ImageLayout } from "../../mod/oras/mod.ts";
import { parseRoot, PrivateKey, RootTrust } from "../../mod/trust/mod.ts";
import { publishIndex } from "../../tasks/publish/release_index.ts";
import { signManifest } from "../../tasks/publish/sign.ts";
import { task } from "../cli/_publishing.ts";
import { KEY, publish, publishRoot, root } from "../oci/_signed.ts";
import { TemporaryDirectory } from "../oras/_image.ts";

/** Two layouts, and the task between them. */
class Places implements AsyncDisposable {
  readonly #temporary = new TemporaryDirectory();

  open(name: "from" | "to"): Promise<ImageLayout> {
    return ImageLayout.create(`${this.#temporary.path}/${name}`);
  }

  copy(...flags: readonly string[]) {
    const [from, to] = ["from", "to"].map((name) => `oci:${this.#temporary.path}/${name}`);
    return task("publish_copy", ["--from", `${from}:stable`, "--to", to, ...flags]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#temporary[Symbol.asyncDispose]();
  }
}

const STEPPING_STONES = "io.kubesolo.os.stepping_stones";

Deno.test("publish:copy brings a release from one layout to another, and says what was there", async () => {
  await using places = new Places();
  const from = await places.open("from");
  const manifest = await publish(from, "stable");
  for (const said of ["sent", "is there already"]) {
    const { stdout, stderr } = await places.copy();
    assertEquals(stdout, `${(await places.open("to")).name}:stable  ${manifest.digest}\n`);
    assertEquals(stderr.split(said).length > 2, true, stderr);
  }
  assertEquals((await (await places.open("to")).resolve("stable")).digest, manifest.digest);
  const without = task("publish_copy", ["--from", `oci:${from.name}`, "--to", `oci:${from.name}`]);
  await assertRejects(() => without, Error, "--from: wanted a tag at the end");
});

Deno.test("publish:copy --all brings what nodes ask for besides, and without it only the release", async () => {
  await using places = new Places();
  const from = await places.open("from");
  const next = PrivateKey.generate();
  const stone = await publish(from, "1.6.0");
  const annotations = {
    [STEPPING_STONES]: `1.5.0, ${stone.digest}`,
    "io.kubesolo.os.architecture": "x86_64",
  };
  const newest = await publish(from, "2.0.0", annotations);
  const index = await publishIndex(from, ["2.0.0"], "stable");
  for (const signed of [stone, await publish(from, "1.5.0"), index]) {
    await signManifest(from, signed, next);
  }
  await publishRoot(from, 2, root(2, next), KEY, next);
  // what lies there counts for nothing here; that it comes along does
  await from.tag(stone, cosignTag(newest.digest));

  await places.copy();
  assertEquals(await (await places.open("to")).tags(), ["stable"]);

  const { stdout } = await places.copy("--all");
  const to = await places.open("to");
  const tags = ["1.5.0", cosignTag(newest.digest), "stable", "trust-2"];
  assertEquals(await to.tags(), tags, "no other release, no other tag");
  assertEquals(stdout.split("\n").at(-2), `${to.name}:stable  ${index.digest}`, "it comes last");

  const source = new OciSource({
    name: "to",
    target: to,
    reference: "stable",
    architecture: "x86_64",
    trust: new RootTrust(parseRoot(root(1, KEY))),
  });
  assertEquals((await source.latest()).signedBy, [`key-2 (${next.publicKey.id})`]);
  const stones = (await source.steppingStones()).map(({ version }) => version);
  assertEquals(stones, ["1.5.0", "1.6.0"]);
});

Deno.test("publish:copy --all leaves the tag as it is where a stepping stone is missing", async () => {
  await using places = new Places();
  await publish(await places.open("from"), "stable", { [STEPPING_STONES]: "1.5.0" });
  await assertRejects(() => places.copy("--all"), Error, "1.5.0");
  assertEquals(await (await places.open("to")).tags(), []);
});
