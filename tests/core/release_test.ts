import { assertEquals, assertNotEquals } from "@std/assert";
import {
  type Artifact,
  isSha256,
  releaseDigest,
  releaseSize,
  releaseWith,
  sumsOf,
} from "../../mod/core/mod.ts";
import { sha256 } from "./_recorded_sink.ts";

const PAIR: readonly Artifact[] = [
  { name: "vmlinuz", sha256: "a".repeat(64), size: 6 },
  { name: "kubesolo-os.gz", sha256: "b".repeat(64), size: 4 },
];

Deno.test("SHA256SUMS has the format of sha256sum, in the order of the artifacts", () => {
  assertEquals(sumsOf(PAIR), `${"a".repeat(64)}  vmlinuz\n${"b".repeat(64)}  kubesolo-os.gz\n`);
});

Deno.test("sha256sum itself accepts the SHA256SUMS of real files", async () => {
  const directory = await Deno.makeTempDir();
  const artifacts: Artifact[] = [];
  for (const name of ["vmlinuz", "kubesolo-os.gz"] as const) {
    const bytes = new TextEncoder().encode(`content of ${name}`);
    await Deno.writeFile(`${directory}/${name}`, bytes);
    artifacts.push({ name, sha256: sha256(bytes) });
  }
  await Deno.writeTextFile(`${directory}/SHA256SUMS`, sumsOf(artifacts));
  const run = async (...args: string[]) => {
    const output = await new Deno.Command("sha256sum", { args, cwd: directory }).output();
    return { success: output.success, text: new TextDecoder().decode(output.stdout) };
  };
  assertEquals((await run("--check", "--strict", "SHA256SUMS")).success, true);
  const { text } = await run("SHA256SUMS");
  assertEquals(releaseDigest({ artifacts }), `sha256:${text.slice(0, 64)}`);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a release's digest is an image's own, and changes with any file", () => {
  const image: Artifact = { name: "image", sha256: "c".repeat(64) };
  assertEquals(releaseDigest({ artifacts: [image] }), `sha256:${"c".repeat(64)}`);
  const other = [PAIR[0], { ...PAIR[1], sha256: "c".repeat(64) }];
  assertNotEquals(releaseDigest({ artifacts: PAIR }), releaseDigest({ artifacts: other }));
});

Deno.test("a release's digest does not depend on whether sizes are known", () => {
  const bare = PAIR.map(({ name, sha256 }) => ({ name, sha256 }));
  assertEquals(releaseDigest({ artifacts: bare }), releaseDigest({ artifacts: PAIR }));
});

Deno.test("a release's size is known where all of its artifacts' are", () => {
  assertEquals(releaseSize({ artifacts: PAIR }), 10);
  assertEquals(releaseSize({ artifacts: [PAIR[0], { ...PAIR[1], size: undefined }] }), undefined);
});

Deno.test("a SHA-256 is 64 lower-case hexadecimal digits, and nothing around them", () => {
  assertEquals(isSha256("0123456789abcdef".repeat(4)), true);
  const wrong = ["", "a".repeat(63), "a".repeat(65), "A".repeat(64), "g".repeat(64)];
  for (const text of [...wrong, `${"a".repeat(64)}\n`]) assertEquals(isSha256(text), false);
});

Deno.test("an artifact belongs to the first release that has it by name and by digest", () => {
  const known = [[PAIR[0]], PAIR, [PAIR[1]]].map((artifacts) => ({ release: { artifacts } }));
  assertEquals(releaseWith(known, PAIR[0]), known[0]);
  assertEquals(releaseWith(known, { ...PAIR[1], size: undefined }), known[1]);
  assertEquals(releaseWith(known, { ...PAIR[0], sha256: PAIR[1].sha256 }), undefined);
  assertEquals(releaseWith(known, { ...PAIR[0], name: "image" }), undefined);
});
