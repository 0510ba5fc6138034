/** A node's disk, a store over it, and a source in memory: what the tests of slots work with. */

import { createHash } from "node:crypto";
import {
  type Artifact,
  type ArtifactBody,
  type ArtifactName,
  type ArtifactSink,
  type Disk,
  type Fetch,
  type Mark,
  type Marks,
  type Release,
  transfer,
  type UpdateEvent,
  type UpdateSource,
} from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import { CommandMounts, DevicePartitions, PartitionSlotStore } from "../../mod/slots/mod.ts";
import { LoopDisk, type LoopDiskOptions } from "../loop_disk.ts";

/** Small enough that a test's artifacts have several. */
export const TEST_MARK_BYTES = 1 << 20;

/** Bytes that look like nothing in particular, the same for the same seed. */
export function randomBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const words = new Uint32Array(bytes.buffer, 0, length >> 2);
  let state = seed;
  for (let index = 0; index < words.length; index++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5 | 0;
    words[index] = state;
  }
  return bytes;
}

/** An artifact that consists of `bytes`. */
export function artifactOf(name: ArtifactName, bytes: Uint8Array, hasSize = true): Artifact {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return hasSize ? { name, sha256, size: bytes.length } : { name, sha256 };
}

/** The sink, but for `changes`; it may be of a class, of which `...` takes no methods. */
export function sinkWith(sink: ArtifactSink, changes: Partial<ArtifactSink>): ArtifactSink {
  return {
    offset: sink.offset,
    hash: sink.hash,
    limit: sink.limit,
    write: (bytes) => sink.write(bytes),
    restart: () => sink.restart(),
    ...changes,
  };
}

/** A release, and the bytes of its artifacts by digest. */
export class Offer implements UpdateSource {
  readonly name = "memory";
  readonly release: Release;
  /** Bytes that were handed out. */
  sent = 0;
  #bytes = new Map<string, Uint8Array<ArrayBuffer>>();

  constructor(
    parts: Partial<Record<ArtifactName, Uint8Array<ArrayBuffer>>>,
    { version = "1.2.0", hasSizes = true } = {},
  ) {
    const artifacts = Object.entries(parts).map(([name, bytes]) => {
      const artifact = artifactOf(name as ArtifactName, bytes, hasSizes);
      this.#bytes.set(artifact.sha256, bytes);
      return artifact;
    });
    this.release = { version, artifacts };
  }

  latest(): Promise<Release> {
    return Promise.resolve(this.release);
  }

  open({ sha256 }: Artifact, offset: number): Promise<ArtifactBody> {
    const bytes = this.#bytes.get(sha256) ?? new Uint8Array(0);
    const PIECE = 300_000;
    let at = offset;
    const stream = new ReadableStream({
      type: "bytes",
      pull: (controller: ReadableByteStreamController) => {
        const piece = bytes.slice(at, at + PIECE);
        at += piece.length;
        this.sent += piece.length;
        if (piece.length > 0) controller.enqueue(piece);
        if (at >= bytes.length) {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
    });
    return Promise.resolve({ offset, size: bytes.length, stream });
  }

  /** Always the same number of pieces, where a test counts steps; nothing is checked. */
  get evenly(): Fetch {
    const PIECE = 400_000;
    return async ({ sha256 }, sink) => {
      const bytes = this.#bytes.get(sha256) ?? new Uint8Array(0);
      for (let at = sink.offset; at < bytes.length; at += PIECE) {
        await sink.write(bytes.subarray(at, at + PIECE));
      }
    };
  }

  /** The agent's own transfer from here. */
  get fetch(): Fetch {
    const reporter = { report: () => {} };
    const options = { reporter, stallSeconds: 10, sleep: () => Promise.resolve() };
    return async (artifact, sink) => {
      await transfer(this, artifact, sink, options);
    };
  }
}

/** Marks in memory; the last one counts, as in the state file. */
export class MemoryMarks implements Marks {
  readonly kept: Mark[] = [];

  of({ sha256 }: Artifact): number {
    const last = this.kept.at(-1);
    return last?.sha256 === sha256 ? last.bytes : 0;
  }

  keep(mark: Mark): Promise<void> {
    this.kept.push(mark);
    return Promise.resolve();
  }
}

/** A store over the slots of a loop disk. */
export interface SlotBench extends AsyncDisposable {
  readonly loop: LoopDisk;
  readonly partitions: DevicePartitions;
  readonly mounts: CommandMounts;
  readonly store: PartitionSlotStore;
  readonly marks: MemoryMarks;
  readonly events: UpdateEvent[];
  /** Writes what is offered to slot B, while A runs. */
  write(offer: Offer, fetch?: Fetch): Promise<void>;
}

/** What a bench is made of. */
export interface SlotBenchOptions extends LoopDiskOptions {
  /** In place of the real disk. */
  readonly disk?: Disk;
}

/** Makes one. */
export async function slotBench(options: SlotBenchOptions = {}): Promise<SlotBench> {
  const loop = await LoopDisk.create(options);
  const { view, directory } = loop;
  const partitions = new DevicePartitions({ view });
  const mounts = new CommandMounts({ view, directory: `${directory}/mnt` });
  const events: UpdateEvent[] = [];
  const marks = new MemoryMarks();
  const store = new PartitionSlotStore({
    disk: options.disk ?? new DenoDisk(),
    partitions,
    mounts,
    reporter: { report: (event) => void events.push(event) },
    workDirectory: `${directory}/work`,
    markBytes: TEST_MARK_BYTES,
  });
  return {
    loop,
    partitions,
    mounts,
    store,
    marks,
    events,
    write: (offer, fetch = offer.fetch) =>
      store.write("B", { running: "A", release: offer.release, fetch, marks }),
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

/** Names that are there. */
export async function namesIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(directory)) names.push(name);
  return names.filter((name) => name !== "lost+found").sort();
}
