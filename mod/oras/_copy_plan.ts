/** What a copy has to bring, found out before anything is written. */

import { fetchManifest, MAX_GRAPH_MANIFESTS } from "./_graph.ts";
import type { Descriptor, ReadOnlyTarget } from "./content.ts";
import { OrasError } from "./errors.ts";
import { successors } from "./manifest.ts";
import { isForeignLayer, isManifestType } from "./media_types.ts";

/** Most bytes of all manifests of one copy together: they are kept until they are written. */
const MAX_GRAPH_BYTES = 64 * 1024 * 1024;

/** A manifest, verified. */
export interface ManifestContent {
  readonly target: Descriptor;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Everything below the root. */
export interface CopyPlan {
  /** Each once, in the order in which they were met. */
  readonly blobs: readonly Descriptor[];
  /** Each once, and after everything that it leads to. */
  readonly manifests: readonly ManifestContent[];
}

/** How to look. */
export interface PlanOptions {
  /** What refers to the manifests comes along, and what refers to that. */
  readonly referrers: boolean;
  readonly signal: AbortSignal;
}

/** Walks the graph below `root` in the source. */
export async function planCopy(
  source: ReadOnlyTarget,
  root: Descriptor,
  { referrers, signal }: PlanOptions,
): Promise<CopyPlan> {
  const walk = new GraphWalk(source, signal);
  await walk.visit(root);
  if (referrers) {
    // The list grows while it is gone through: referrers have referrers.
    for (const { target } of walk.manifests) {
      for (const referrer of await source.referrers(target)) await walk.visit(referrer);
    }
  }
  return { blobs: [...walk.blobs.values()], manifests: walk.manifests };
}

/** What is on the stack: manifests with their bytes have been read, and wait for what is above them. */
interface Step {
  readonly target: Descriptor;
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

class GraphWalk {
  readonly blobs = new Map<string, Descriptor>();
  readonly manifests: ManifestContent[] = [];
  readonly #met = new Set<string>();
  readonly #source: ReadOnlyTarget;
  readonly #signal: AbortSignal;
  #bytesLeft = MAX_GRAPH_BYTES;

  constructor(source: ReadOnlyTarget, signal: AbortSignal) {
    this.#source = source;
    this.#signal = signal;
  }

  /** Everything below, and then the manifest itself; depth is up to the source, so the stack is a list. */
  async visit(root: Descriptor): Promise<void> {
    const left: Step[] = [{ target: root }];
    for (let next = left.pop(); next; next = left.pop()) {
      const { target, bytes } = next;
      if (bytes) this.manifests.push({ target, bytes });
      else if (isManifestType(target.mediaType)) left.push(...await this.#read(target));
      else if (!isForeignLayer(target.mediaType)) this.blobs.set(keyOf(target), target);
    }
  }

  /** The manifest, and above it, the first on top, what it leads to; nothing where it has been met. */
  async #read(target: Descriptor): Promise<Step[]> {
    const key = keyOf(target);
    if (this.#met.has(key)) return [];
    this.#met.add(key);
    this.#bytesLeft -= target.size;
    if (this.#met.size > MAX_GRAPH_MANIFESTS || this.#bytesLeft < 0) {
      throw new OrasError("content", `copying ${target.digest}`, "too many manifests");
    }
    this.#signal.throwIfAborted();
    const bytes = await fetchManifest(this.#source, target, this.#signal);
    const below = successors(target, bytes).map((target) => ({ target }));
    return [{ target, bytes }, ...below.reverse()];
  }
}

// The same bytes may be called a blob here and a manifest there, and registries keep them apart.
function keyOf({ mediaType, digest, size }: Descriptor): string {
  return `${isManifestType(mediaType) ? "manifest" : "blob"} ${digest} ${size}`;
}
