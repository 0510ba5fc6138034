/**
 * The read side of an OCI registry (distribution specification 1.1): manifests, blobs, tags, referrers.
 *
 * @module
 */

import { type Descriptor, IMAGE_INDEX, isDigest, isRepository } from "../oras/mod.ts";
import { fileAnswer, typed } from "./_answers.ts";
import type { FoundFile } from "./_paths.ts";
import type { Catalogue } from "./catalogue.ts";
import { TAGS_PER_PAGE } from "./limits.ts";
import type { RepositoryPlace } from "./repository_place.ts";
import { storedFile } from "./stored_file.ts";

/** Where the protocol begins. */
export const REGISTRY_PATH = "/v2";

/** Docker's clients look for it. */
const VERSION_HEADER = { "docker-distribution-api-version": "registry/2.0" };

/** Codes of the specification, "Error Codes", and docker's own for bad numbers. */
type RegistryErrorCode =
  | "BLOB_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "PAGINATION_NUMBER_INVALID"
  | "UNSUPPORTED";

/** Tells who asks for the manifest of a tag. */
export type Resolved = (repository: string, tag: string) => void;

/** Answers a request below {@linkcode REGISTRY_PATH}; `names` are those of its path, `v2` the first. */
export async function registryAnswer(
  request: Request,
  names: readonly string[],
  { contents: { repositories } }: Catalogue,
  resolved: Resolved,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    await request.body?.cancel();
    return refuse(405, "UNSUPPORTED", "this registry is only read", { allow: "GET, HEAD" });
  }
  const { searchParams } = new URL(request.url);
  const last = names[names.length - 1];
  if (names.length === 1 || names.length === 2 && last === "") return json({});
  if (names.length === 2 && last === "_catalog") {
    return page("repositories", [...repositories.keys()].sort(), `${REGISTRY_PATH}/_catalog`, {
      searchParams,
    });
  }
  const kind = names[names.length - 2];
  const name = names.slice(1, -2).join("/");
  if (!isRepository(name)) return refuse(400, "NAME_INVALID", `no name of a repository`);
  const repository = repositories.get(name);
  if (!repository) return refuse(404, "NAME_UNKNOWN", `no repository ${name} here`);
  switch (kind) {
    case "tags": {
      if (last !== "list") break;
      const tags = [...repository.tags.keys()];
      const path = `${REGISTRY_PATH}/${name}/tags/list`;
      return page("tags", tags, path, { name, searchParams });
    }
    case "manifests":
      if (!isDigest(last)) resolved(name, last);
      return await manifestAnswer(request, repository, last);
    case "blobs":
      return await blobAnswer(request, repository, last);
    case "referrers":
      return referrersAnswer(repository, last, searchParams.get("artifactType"));
  }
  return refuse(404, "UNSUPPORTED", "no such endpoint");
}

async function manifestAnswer(
  request: Request,
  { tags, manifests }: RepositoryPlace,
  reference: string,
): Promise<Response> {
  if (reference.includes(":") && !isDigest(reference)) {
    return refuse(400, "DIGEST_INVALID", "only sha256 digests are known here");
  }
  const found = manifests.get(tags.get(reference) ?? reference);
  if (!found) return refuse(404, "MANIFEST_UNKNOWN", `no manifest ${reference} here`);
  const { mediaType, digest } = found.descriptor;
  if (!accepts(request.headers.get("accept"), mediaType)) {
    const message = `the manifest is ${mediaType}, which Accept does not take`;
    return refuse(404, "MANIFEST_UNKNOWN", message, { vary: "accept" });
  }
  return await contentAnswer(request, digest, found, mediaType);
}

async function blobAnswer(
  request: Request,
  { blobs, manifests }: RepositoryPlace,
  digest: string,
): Promise<Response> {
  if (!isDigest(digest)) {
    return refuse(400, "DIGEST_INVALID", "only sha256 digests are known here");
  }
  const found = blobs.get(digest) ?? manifests.get(digest);
  if (!found) return refuse(404, "BLOB_UNKNOWN", `no blob ${digest} here`);
  return await contentAnswer(request, digest, found, "application/octet-stream");
}

async function contentAnswer(
  request: Request,
  digest: string,
  { path, info }: FoundFile,
  type: string,
): Promise<Response> {
  const answer = await fileAnswer(request, storedFile(path, info, { tag: digest, type }));
  answer.headers.set("docker-content-digest", digest);
  answer.headers.set("vary", "accept");
  return withVersion(answer);
}

function referrersAnswer(
  { referrers }: RepositoryPlace,
  digest: string,
  artifactType: string | null,
): Response {
  if (!isDigest(digest)) {
    return refuse(400, "DIGEST_INVALID", "only sha256 digests are known here");
  }
  const all: readonly Descriptor[] = referrers.get(digest) ?? [];
  const manifests = artifactType === null
    ? all
    : all.filter((one) => one.artifactType === artifactType);
  const headers: Record<string, string> = artifactType === null
    ? {}
    : { "oci-filters-applied": "artifactType" };
  return json({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests }, {
    ...headers,
    "content-type": IMAGE_INDEX,
  });
}

/** One page of a sorted list ("Listing tags"): those after `last`, `n` of them. */
function page(
  member: "tags" | "repositories",
  all: readonly string[],
  path: string,
  { name, searchParams }: { readonly name?: string; readonly searchParams: URLSearchParams },
): Response {
  const n = searchParams.get("n");
  if (n !== null && !/^\d{1,9}$/.test(n)) {
    return refuse(400, "PAGINATION_NUMBER_INVALID", "n is no number");
  }
  const count = n === null ? TAGS_PER_PAGE : Math.min(Number(n), TAGS_PER_PAGE);
  const after = searchParams.get("last") ?? "";
  const left = all.filter((one) => one > after);
  const listed = left.slice(0, count);
  const next = new URLSearchParams({ n: String(count), last: listed.at(-1) ?? "" });
  const more = count > 0 && left.length > count;
  return json(
    { ...name !== undefined && { name }, [member]: listed },
    more ? { link: `<${path}?${next}>; rel="next"` } : {},
  );
}

/** Whether a client that sends this `Accept` takes that type; one that sends none takes all. */
function accepts(accept: string | null, mediaType: string): boolean {
  if (accept === null || accept.trim() === "") return true;
  const group = `${mediaType.split("/")[0]}/*`;
  return accept.split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const isRefused = parameters.some((one) => /^q=0(\.0*)?$/.test(one));
    return !isRefused && ["*/*", group, mediaType].includes(type);
  });
}

function refuse(
  status: number,
  code: RegistryErrorCode,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return json({ errors: [{ code, message, detail: null }] }, headers, status);
}

function json(value: unknown, headers: Record<string, string> = {}, status = 200): Response {
  const { "content-type": type = "application/json", ...rest } = headers;
  return withVersion(typed(status, type, JSON.stringify(value), rest));
}

function withVersion(answer: Response): Response {
  for (const [name, value] of Object.entries(VERSION_HEADER)) answer.headers.set(name, value);
  return answer;
}
