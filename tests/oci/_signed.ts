import { assertEquals, assertRejects } from "@std/assert";
import { type Trust, UpdateError } from "../../mod/core/mod.ts";
import { OciSource, ROOT_TYPE, SIGNATURE_TYPE } from "../../mod/oci/mod.ts";
import {
  describe,
  type Descriptor,
  type MemoryTarget,
  packManifest,
  pushManifest,
  type ReadOnlyTarget,
  type Target,
} from "../../mod/oras/mod.ts";
import { KeyTrust, PrivateKey, signFile } from "../../mod/trust/mod.ts";

/** The key that the node believes. */
export const KEY = PrivateKey.generate();

/** One that it does not. */
export const OTHER = PrivateKey.generate();

/** In {@linkcode KEY} alone. */
export const TRUST = new KeyTrust([KEY.publicKey]);

const TYPES = [
  "application/vnd.kubesolo.os.kernel.v1+octet-stream",
  "application/vnd.kubesolo.os.initramfs.v1+gzip",
];

/** A blob, in the target. */
export async function push(target: Target, type: string, text: string | Uint8Array<ArrayBuffer>) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const descriptor = describe(type, bytes);
  await target.push(descriptor, bytes);
  return descriptor;
}

/** A release, in the target, under its version; nobody has signed it. */
export async function publish(
  target: Target,
  version: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const type of TYPES) layers.push(await push(target, type, `${version} ${type}`));
  const packed = packManifest({
    artifactType: "application/vnd.kubesolo.os.release.v1",
    layers,
    annotations: { "io.kubesolo.os.version": version, ...annotations },
  });
  await pushManifest(target, packed);
  await target.tag(packed.descriptor, version);
  return packed.descriptor;
}

/** What a node finds there. */
export function latest(target: ReadOnlyTarget, reference: string, trust: Trust = TRUST) {
  return new OciSource({ name: "memory/os", target, reference, architecture: "x86_64", trust })
    .latest();
}

/** Why a node does not take it. */
export async function refusal(
  target: ReadOnlyTarget,
  reference: string,
  trust?: Trust,
): Promise<string> {
  const error = await assertRejects(() => latest(target, reference, trust), UpdateError);
  assertEquals(error.code, "verification", error.message);
  return error.message;
}

/** `target` as a node asks it; a test may put its own methods over these. */
export function readOnly(target: MemoryTarget): ReadOnlyTarget {
  return {
    resolve: (reference) => target.resolve(reference),
    fetch: (wanted, options) => target.fetch(wanted, options),
    referrers: (subject, type) => target.referrers(subject, type),
  };
}

/** A root of trust with one key. */
export function root(version: number, key: PrivateKey): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify({
    version,
    threshold: 1,
    keys: [{ name: `key-${version}`, key: key.publicKey.bytes.toBase64() }],
    revoked: [],
  }));
}

/** A root in the target, under its tag, with these keys' signatures. */
export async function publishRoot(
  target: Target,
  version: number,
  bytes: Uint8Array<ArrayBuffer>,
  ...keys: readonly PrivateKey[]
): Promise<void> {
  const layers = [await push(target, ROOT_TYPE, bytes)];
  for (const key of keys) {
    layers.push(await push(target, SIGNATURE_TYPE, signFile(key, bytes, "base64")));
  }
  const packed = packManifest({ artifactType: "application/vnd.kubesolo.os.trust.v1", layers });
  await pushManifest(target, packed);
  await target.tag(packed.descriptor, `trust-${version}`);
}
