/**
 * A registry that is right, until a test makes it wrong.
 *
 * @module
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Intercept } from "../../tasks/file_server.ts";
import { upTo } from "./_bad_server.ts";
import { bytesOf, sha256 } from "./_test_node.ts";

/** A descriptor, right or wrong. */
export type Entry = Readonly<Record<string, unknown>>;

/** An OCI image manifest's media type. */
export const IMAGE = "application/vnd.oci.image.manifest.v1+json";
/** An OCI index's. */
export const INDEX = "application/vnd.oci.image.index.v1+json";

/** Where the release is. */
export const REPOSITORY = "site/os";

/** The layers of release 2.0.0: the bytes that {@linkcode TestNode.publish} makes of it. */
export const KERNEL = bytesOf("kernel 2.0.0", 300_000);
export const INITRAMFS = bytesOf("initramfs 2.0.0", 2_000_000);

const KERNEL_TYPE = "application/vnd.kubesolo.os.kernel.v1+octet-stream";
const INITRAMFS_TYPE = "application/vnd.kubesolo.os.initramfs.v1+gzip";

/** The descriptor of `bytes`; `changes` make it wrong. */
export function entryOf(mediaType: string, bytes: Uint8Array, changes: Entry = {}): Entry {
  return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length, ...changes };
}

/** What layer 0, the kernel, and layer 1, the initramfs, are. */
export function layers(kernel: Entry = {}, initramfs: Entry = {}): Entry[] {
  return [entryOf(KERNEL_TYPE, KERNEL, kernel), entryOf(INITRAMFS_TYPE, INITRAMFS, initramfs)];
}

interface Kept {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** See the module's description. */
export class BadRegistry implements AsyncDisposable {
  /** Method, path, range and what was said of oneself, of each request. */
  readonly requests: string[] = [];
  /** Takes a request before the registry does. */
  answer: Intercept = () => false;
  #server?: Server;
  #port = 0;
  #blobs = new Map<string, Uint8Array>();
  #manifests = new Map<string, Kept>();

  /** One that listens, with release 2.0.0 at the tag `stable`. */
  static async start(): Promise<BadRegistry> {
    const registry = new BadRegistry();
    await registry.listen();
    registry.reset();
    return registry;
  }

  /** Host and port, the same after a pause. */
  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The release is right, and nothing has been asked. */
  reset(): void {
    this.answer = () => false;
    this.requests.length = 0;
    this.#blobs.clear();
    this.#manifests.clear();
    for (const bytes of [KERNEL, INITRAMFS]) this.#blobs.set(`sha256:${sha256(bytes)}`, bytes);
    this.release({});
  }

  /** Tags an image manifest with these changes; its descriptor. */
  release(changes: Entry): Entry {
    return this.put(IMAGE, {
      config: entryOf("application/vnd.oci.empty.v1+json", new TextEncoder().encode("{}")),
      layers: layers(),
      annotations: { "io.kubesolo.os.version": "2.0.0" },
      ...changes,
    });
  }

  /** Tags a manifest; its descriptor. */
  put(mediaType: string, members: Entry): Entry {
    const text = JSON.stringify({ schemaVersion: 2, mediaType, ...members });
    const bytes = new TextEncoder().encode(text);
    const entry = entryOf(mediaType, bytes);
    this.#manifests.set("stable", { mediaType, bytes });
    this.#manifests.set(String(entry.digest), { mediaType, bytes });
    return entry;
  }

  /** Listens, on the same port each time. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      const { range, authorization } = request.headers;
      this.requests.push(
        [request.method, request.url, range, authorization].filter(Boolean).join(" "),
      );
      if (this.answer(request, response)) return;
      const [, kind, reference] = /^\/v2\/site\/os\/(manifests|blobs)\/(.+)$/.exec(
        request.url ?? "",
      ) ?? [];
      const blob = kind === "blobs" ? this.#blobs.get(reference) : undefined;
      if (blob) return upTo(blob, blob.length, () => response.end())(request, response);
      const manifest = kind === "manifests" ? this.#manifests.get(reference) : undefined;
      if (!manifest) return void response.writeHead(404).end();
      response.writeHead(200, {
        "content-type": manifest.mediaType,
        "content-length": manifest.bytes.length,
        "docker-content-digest": `sha256:${sha256(manifest.bytes)}`,
      }).end(request.method === "HEAD" ? undefined : manifest.bytes);
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Nothing listens there any more, and what was being sent is broken off. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
