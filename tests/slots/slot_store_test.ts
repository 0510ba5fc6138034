import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Artifact, type Release, UpdateError } from "../../mod/core/mod.ts";
import { run, systemPartitions } from "../loop_disk.ts";
import { Offer, randomBytes, type SlotBench, slotBench } from "./slot_bench.ts";

const FILES = new Offer({
  vmlinuz: randomBytes(100_000, 1),
  "kubesolo-os.gz": randomBytes(200_000, 2),
});
const IMAGE = new Offer({ image: randomBytes(300_000, 3) });

async function digestOf(bench: SlotBench, label: string): Promise<string> {
  return (await run("sha256sum", bench.loop.of(label))).split(" ")[0];
}

for (const [kind, offer] of [["files", FILES], ["an image", IMAGE]] as const) {
  Deno.test(`write() of ${kind} never touches the running slot`, async () => {
    await using bench = await slotBench();
    const { release, fetch } = offer;
    for (const slot of ["A", "B"] as const) {
      const before = await digestOf(bench, `KSOLO${slot}`);
      const order = { running: slot, release, fetch, marks: bench.marks };
      const error = await assertRejects(() => bench.store.write(slot, order), UpdateError);
      assertEquals(error.code, "slot");
      assertStringIncludes(error.message, "it is the slot that runs");
      assertEquals(await digestOf(bench, `KSOLO${slot}`), before);
    }
    const before = await digestOf(bench, "KSOLOA");
    await bench.write(offer);
    assertEquals(await digestOf(bench, "KSOLOA"), before);
  });

  Deno.test(`write() and room() for ${kind} refuse a slot that is mounted, and name where`, async () => {
    await using bench = await slotBench();
    for (const options of ["rw", "ro"]) {
      await bench.loop.mounted("KSOLOB", async (path) => {
        const attempts = [
          () => bench.write(offer),
          () => bench.store.room("B", offer.release),
        ];
        for (const attempt of attempts) {
          const error = await assertRejects(attempt, UpdateError);
          assertEquals(error.code, "slot");
          assertStringIncludes(error.message, `mounted at ${path}`);
        }
        assertEquals(await bench.loop.mountPoints(), [path]);
      }, options);
    }
  });
}

Deno.test("inspect() reads the running slot where it is mounted", async () => {
  await using bench = await slotBench();
  await bench.write(FILES);
  await bench.loop.mounted("KSOLOB", async () => {
    assertEquals(await bench.store.inspect("B"), { version: "1.2.0" });
    await bench.store.verify("B");
  });
});

Deno.test("inspect() says what a slot lacks, and keeps a strange version to itself", async () => {
  await using bench = await slotBench();
  assertEquals(await bench.store.inspect("B"), {
    problem: "vmlinuz, kubesolo-os.gz, SHA256SUMS missing or empty",
  });
  for (const version of ["1.0\x1b[31m", "", "x".repeat(70), "1 0"]) {
    await bench.loop.mounted("KSOLOB", (path) => Deno.writeTextFile(`${path}/version`, version));
    assertEquals("version" in await bench.store.inspect("B"), false);
  }
});

Deno.test("inspect() and write() say that there is no such slot", async () => {
  await using bench = await slotBench({ partitions: systemPartitions({ without: ["B"] }) });
  for (const attempt of [() => bench.store.inspect("B"), () => bench.write(FILES)]) {
    const error = await assertRejects(attempt, UpdateError);
    assertEquals([error.code, error.operation], ["slot", "looking for the partition KSOLOB"]);
  }
});

Deno.test("write() of files says that the slot is write-protected", async () => {
  await using bench = await slotBench();
  await bench.loop.writeProtect();
  const error = await assertRejects(() => bench.write(FILES), UpdateError);
  assertEquals(error.code, "slot");
  assertStringIncludes(error.message, "read-only");
});

Deno.test("verify() finds one flipped bit, a missing file, and SHA256SUMS of something else", async () => {
  await using bench = await slotBench();
  const damages: [string, (path: string) => Promise<void>][] = [
    ["kubesolo-os.gz reads back as", async (path) => {
      using file = await Deno.open(`${path}/kubesolo-os.gz`, { write: true });
      await file.seek(150_000, Deno.SeekMode.Start);
      await file.write(new Uint8Array([0]));
    }],
    ["vmlinuz is missing", (path) => Deno.remove(`${path}/vmlinuz`)],
    ["SHA256SUMS", (path) => Deno.remove(`${path}/SHA256SUMS`)],
    ["SHA256SUMS", async (path) => {
      const sums = await Deno.readTextFile(`${path}/SHA256SUMS`);
      await Deno.writeTextFile(`${path}/SHA256SUMS`, sums.replace("vmlinuz", "../../vmlinuz"));
    }],
    ["SHA256SUMS", (path) => Deno.writeTextFile(`${path}/SHA256SUMS`, "x".repeat(5000))],
    ["SHA256SUMS", async (path) => {
      const sums = await Deno.readTextFile(`${path}/SHA256SUMS`);
      await Deno.writeTextFile(`${path}/SHA256SUMS`, sums.split("\n")[0] + "\n");
    }],
  ];
  for (const [found, damage] of damages) {
    await bench.write(FILES);
    await bench.loop.mounted("KSOLOB", damage);
    for (const artifacts of [undefined, FILES.release.artifacts]) {
      const error = await assertRejects(() => bench.store.verify("B", artifacts), UpdateError);
      assertEquals(error.code, "verification");
      assertStringIncludes(error.found, found);
    }
  }
});

Deno.test("verify() finds a slot that holds another release than the agent wrote", async () => {
  await using bench = await slotBench();
  await bench.write(FILES);
  await bench.store.verify("B");
  const [kernel, initramfs] = FILES.release.artifacts;
  const other = [{ ...kernel, sha256: "0".repeat(64) }, initramfs];
  const error = await assertRejects(() => bench.store.verify("B", other), UpdateError);
  assertEquals(error.code, "verification");
  const image = await assertRejects(
    () => bench.store.verify("B", IMAGE.release.artifacts),
    UpdateError,
  );
  assertStringIncludes(image.message, "the image reads back as");
});

Deno.test("write() refuses a release that is neither files nor an image, and an image without size", async () => {
  await using bench = await slotBench();
  const before = await digestOf(bench, "KSOLOB");
  const [kernel, initramfs] = FILES.release.artifacts;
  const [{ sha256 }] = IMAGE.release.artifacts;
  const kinds: [string, readonly Artifact[]][] = [
    ["nothing", []],
    ["vmlinuz", [kernel]],
    ["vmlinuz, vmlinuz", [kernel, kernel]],
    ["vmlinuz, kubesolo-os.gz, image", [kernel, initramfs, { name: "image", sha256 }]],
    ["an image without its size", [{ name: "image", sha256 }]],
  ];
  for (const [found, artifacts] of kinds) {
    const release: Release = { version: "1.0.0", artifacts };
    const order = { running: "A", release, fetch: FILES.fetch, marks: bench.marks } as const;
    const error = await assertRejects(() => bench.store.write("B", order), UpdateError);
    assertEquals([error.code, error.found], ["verification", found]);
  }
  assertEquals(await digestOf(bench, "KSOLOB"), before);
});
