import { assertEquals, assertRejects } from "@std/assert";
import {
  type Descriptor,
  IMAGE_MANIFEST,
  OrasError,
  type OrasErrorCode,
  RegistryClient,
  Repository,
  verified,
} from "../../mod/oras/mod.ts";
import { serve } from "../http/_servers.ts";
import { blob, bytesOf, image, json, noise } from "./_artifacts.ts";

/** A repository of a registry without TLS; nobody waits. */
export function open(registry: { readonly host: string }, repository = "os"): Repository {
  const client = new RegistryClient({ plainHttp: true, sleep: () => Promise.resolve() });
  return new Repository({ registry: registry.host, repository }, client);
}

/** A server as {@linkcode open} wants it. */
export function at(server: { readonly url: string }): { readonly host: string } {
  return { host: new URL(server.url).host };
}

/** Holds where `act` fails with the code. */
export async function fails(
  code: OrasErrorCode,
  act: () => Promise<unknown>,
  message = "",
): Promise<void> {
  const error = await assertRejects(act, OrasError, message);
  assertEquals(error.code, code, error.message);
}

/** A blob or a manifest, to its end. */
export async function readVerified(repository: Repository, descriptor: Descriptor) {
  return await bytesOf(verified(descriptor, await repository.fetch(descriptor)));
}

/** A manifest that is in order. */
export const MANIFEST = json(IMAGE_MANIFEST, image(blob(noise(10)))[2]);

/** A registry with one manifest, some of whose headers are as `headers` says; null leaves one out. */
export function odd(headers: Record<string, string | null>, body: BodyInit = MANIFEST.bytes) {
  const all: Record<string, string | null> = {
    "content-type": IMAGE_MANIFEST,
    "docker-content-digest": MANIFEST.descriptor.digest,
    ...headers,
  };
  const entries = Object.entries(all).filter((entry): entry is [string, string] =>
    entry[1] !== null
  );
  return serve((request) =>
    request.method === "HEAD"
      ? new Response(null, {
        headers: [...entries, ["content-length", `${MANIFEST.bytes.length}`]],
      })
      : new Response(body, { headers: entries })
  );
}
