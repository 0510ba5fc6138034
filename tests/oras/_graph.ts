/**
 * Images that name each other, and targets that show how they were copied.
 *
 * @module
 */

import {
  type ByteStream,
  type Descriptor,
  type FetchOptions,
  MemoryTarget,
  type PackedManifest,
  packIndex,
  packManifest,
  pushManifest,
  successors,
  type Target,
} from "@kubesolo/update/oras";
import { type Blob, contentOf, textBlob } from "./_image.ts";

/** What the artifacts are. */
export const TYPE = "application/vnd.example";

/** Memory that writes down what it is asked for. */
export class WatchedTarget extends MemoryTarget {
  readonly pushed: string[] = [];
  readonly fetched: string[] = [];
  readonly atOnce = { now: 0, most: 0 };

  override async push(expected: Descriptor, content: ByteStream | Uint8Array<ArrayBuffer>) {
    this.atOnce.now++;
    this.atOnce.most = Math.max(this.atOnce.most, this.atOnce.now);
    try {
      await new Promise((resolve) => setTimeout(resolve, 2));
      await super.push(expected, content);
      this.pushed.push(expected.digest);
    } finally {
      this.atOnce.now--;
    }
  }

  override fetch(target: Descriptor, options?: FetchOptions) {
    this.fetched.push(target.digest);
    return super.fetch(target, options);
  }
}

/** An artifact of these blobs, at `to`. */
export async function pushArtifact(to: Target, blobs: readonly Blob[], subject?: Descriptor) {
  for (const { target, bytes } of blobs) await to.push(target, bytes);
  const layers = blobs.map(({ target }) => target);
  const packed = packManifest({ artifactType: TYPE, layers, ...(subject ? { subject } : {}) });
  await pushManifest(to, packed);
  return packed;
}

/** Two images that share a layer, an index of both, signed; the signature is signed too. */
export async function pushGraph(to: Target) {
  const shared = textBlob("shared");
  const one = await pushArtifact(to, [shared, textBlob("one")]);
  const two = await pushArtifact(to, [shared, textBlob("two")]);
  const index = packIndex({ manifests: [one.descriptor, two.descriptor] });
  await pushManifest(to, index);
  const signature = await pushArtifact(to, [textBlob("signature")], index.descriptor);
  const proof = await pushArtifact(to, [textBlob("proof")], signature.descriptor);
  const sums = await pushArtifact(to, [textBlob("sums")], one.descriptor);
  await to.tag(index.descriptor, "v1");
  return { shared, one, two, index, signature, proof, sums };
}

/** Everything below the manifest is at the target, byte for byte. */
export async function assertWhole(at: Target, { descriptor }: PackedManifest): Promise<void> {
  const left = [descriptor];
  for (let next = left.pop(); next; next = left.pop()) {
    left.push(...successors(next, await contentOf(at, next)));
  }
}
