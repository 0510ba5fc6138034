/**
 * Copies artifacts, with everything that belongs to them.
 *
 * @module
 */

import { planCopy } from "./_copy_plan.ts";
import { watched } from "./_watched.ts";
import { OrasError } from "./errors.ts";
import type { ByteStream, Descriptor, ReadOnlyTarget, Target } from "./content.ts";
import { isDigest } from "./digest.ts";

/** Blobs on their way at once, where nothing else is said. */
export const DEFAULT_COPY_CONCURRENCY = 3;

/** Times that a blob is begun whose connection breaks. */
export const COPY_TRIES = 3;

/** What has become of one content. */
export interface CopyProgress {
  /** Which one. */
  readonly target: Descriptor;
  /** `skipped`: it was there already; `copying`: on its way; `copied`: there, and verified. */
  readonly state: "skipped" | "copying" | "copied";
  /** Bytes of it that have come; its size where it is there. */
  readonly bytes: number;
}

/** What is to be different from the defaults. */
export interface CopyOptions {
  /** Name at the destination; where absent, `reference`, unless that is a digest. */
  readonly tag?: string;
  /** Blobs at once; {@linkcode DEFAULT_COPY_CONCURRENCY} where absent. */
  readonly concurrency?: number;
  /** What refers to the copied manifests comes along, and what refers to that, and so on. */
  readonly referrers?: boolean;
  /** Told of every step. */
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Ends the copy; what has been copied stays. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves with the manifest's descriptor when everything that it leads to is at the destination, verified
 * there, and the tag names it. Blobs go before the manifests that name them, so whoever finds a manifest at
 * the destination finds what it names; content that is there already is not sent. Blobs are streamed, never
 * held. Layers that their publisher does not let others distribute stay where they are.
 *
 * @example From memory into a layout
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import {
 *   copy,
 *   ImageLayout,
 *   MemoryTarget,
 *   packManifest,
 *   pushManifest,
 * } from "@kubesolo/update/oras";
 *
 * const memory = new MemoryTarget();
 * const packed = packManifest({ artifactType: "application/vnd.example.note" });
 * await pushManifest(memory, packed);
 * await memory.tag(packed.descriptor, "1.0");
 *
 * const directory = await Deno.makeTempDir();
 * const layout = await ImageLayout.create(directory);
 * await copy(memory, "1.0", layout, { tag: "latest" });
 *
 * assertEquals((await layout.resolve("latest")).digest, packed.descriptor.digest);
 * await Deno.remove(directory, { recursive: true });
 * ```
 *
 * @throws {OrasError} whatever the source and the destination throw; nothing is tagged then.
 */
export async function copy(
  source: ReadOnlyTarget,
  reference: string,
  destination: Target,
  options: CopyOptions = {},
): Promise<Descriptor> {
  const { tag = isDigest(reference) ? undefined : reference, onProgress = () => {} } = options;
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const root = await source.resolve(reference);
  const { blobs, manifests } = await planCopy(source, root, {
    referrers: options.referrers ?? false,
    signal,
  });

  await inParallel(blobs, options.concurrency ?? DEFAULT_COPY_CONCURRENCY, stop, async (target) => {
    signal.throwIfAborted();
    const fetch = () => source.fetch(target, { signal });
    await persist(signal, () => bring(destination, target, fetch, onProgress));
  });
  for (const { target, bytes } of manifests) {
    signal.throwIfAborted();
    await bring(destination, target, () => Promise.resolve(bytes), onProgress);
  }
  if (tag !== undefined) await destination.tag(root, tag);
  return root;
}

/** Does it again from the start where a connection broke: a blob that is there already costs little. */
async function persist(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return await work();
    } catch (error) {
      const broke = error instanceof OrasError && error.code === "unreachable";
      if (!broke || tries === COPY_TRIES || signal.aborted) throw error;
    }
  }
}

async function bring(
  destination: Target,
  target: Descriptor,
  open: () => Promise<ByteStream | Uint8Array<ArrayBuffer>>,
  onProgress: (progress: CopyProgress) => void,
): Promise<void> {
  if (await destination.exists(target)) {
    onProgress({ target, state: "skipped", bytes: target.size });
    return;
  }
  onProgress({ target, state: "copying", bytes: 0 });
  const content = await open();
  let bytes = 0;
  const report = (more: number) => {
    bytes += more;
    onProgress({ target, state: "copying", bytes });
  };
  await destination.push(
    target,
    content instanceof Uint8Array
      ? content
      : watched(content, { chunk: ({ length }) => report(length) }),
  );
  onProgress({ target, state: "copied", bytes: target.size });
}

/**
 * Does `work` on all items, at most `limit` at once. The first failure stops the others, and is thrown when
 * they have ended.
 */
async function inParallel<T>(
  items: readonly T[],
  limit: number,
  stop: AbortController,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    // The iterator is shared: each item goes to one worker.
    for (const item of left) {
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.floor(limit)) }, worker));
  if (failure) throw failure.error;
}
