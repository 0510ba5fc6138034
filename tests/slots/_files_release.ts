import { assertEquals } from "@std/assert";
import { type Fetch, type Release, UpdateError } from "../../mod/core/mod.ts";
import { run } from "../loop_disk.ts";
import { namesIn, Offer, randomBytes, sinkWith, type SlotBench } from "./slot_bench.ts";

export const KERNEL = randomBytes(2_000_000, 1);

export const INITRAMFS = randomBytes(5_300_001, 2);

export const FILES = ["SHA256SUMS", "kubesolo-os.gz", "version", "vmlinuz"];

/** A release of files. */
export function offer(version = "1.2.0", hasSizes = true): Offer {
  return new Offer({ vmlinuz: KERNEL, "kubesolo-os.gz": INITRAMFS }, { version, hasSizes });
}

/** As coreutils see the slot. */
export async function assertHolds(bench: SlotBench, { version }: Release): Promise<void> {
  assertEquals(await bench.loop.mountPoints(), []);
  await bench.loop.mounted("KSOLOB", async (path) => {
    assertEquals(await namesIn(path), FILES);
    assertEquals(await Deno.readTextFile(`${path}/version`), `${version}\n`);
    const checked = await run("sh", "-c", `cd ${path} && sha256sum --strict -c SHA256SUMS`);
    assertEquals(checked, "vmlinuz: OK\nkubesolo-os.gz: OK\n");
  }, "ro,noload");
}

/** Whether GRUB would boot the slot. */
export async function hasSums(bench: SlotBench): Promise<boolean> {
  const names = await bench.loop.mounted("KSOLOB", namesIn, "ro,noload");
  return names.includes("SHA256SUMS");
}

/** Breaks off once `bytes` of `name` have come. */
export function breakOff(offer: Offer, name: string, bytes: number, error: Error): Fetch {
  return (artifact, sink) => {
    if (artifact.name !== name) return offer.fetch(artifact, sink);
    let left = bytes - sink.offset;
    return offer.fetch(
      artifact,
      sinkWith(sink, {
        write: async (piece) => {
          await sink.write(piece);
          left -= piece.length;
          if (left <= 0) throw error;
        },
      }),
    );
  };
}

/** A source that has gone. */
export function unreachable(): UpdateError {
  return new UpdateError("source", { operation: "fetching", found: "silence", advice: "wait" });
}
