/** Answers that several parts of the server give. */

import { type ServedFile, servedFile } from "../omaha/mod.ts";
import type { Document } from "./release_place.ts";

/** A line for people. */
export function plain(status: number, text: string, headers: HeadersInit = {}): Response {
  return typed(status, "text/plain; charset=utf-8", `${text}\n`, headers);
}

/** A whole text. */
export function typed(
  status: number,
  type: string,
  text: string,
  headers: HeadersInit = {},
): Response {
  const bytes = new TextEncoder().encode(text);
  const all = new Headers(headers);
  all.set("content-type", type);
  all.set("content-length", String(bytes.length));
  all.set("x-content-type-options", "nosniff");
  return new Response(bytes, { status, headers: all });
}

/** A small file that was read already. */
export function documentAnswer(request: Request, name: string, document: Document) {
  const { bytes, sha256, modified } = document;
  return fileAnswer(request, {
    size: bytes.length,
    modified,
    tag: sha256,
    type: typeOf(name),
    open: (offset, length) =>
      Promise.resolve(new Blob([bytes.subarray(offset, offset + length)]).stream()),
  });
}

/** A file: the browser is to make nothing of it but what its type says. */
export async function fileAnswer(request: Request, file: ServedFile): Promise<Response> {
  const answer = await servedFile(request, file);
  // digests are about these bytes, and not about what a compressor makes of them
  answer.headers.set("cache-control", "no-cache, no-transform");
  answer.headers.set("x-content-type-options", "nosniff");
  return answer;
}

/** The type that a file is served as; nothing is served as what a browser would run. */
export function typeOf(name: string): string {
  if (name.endsWith(".json")) return "application/json";
  if (name.endsWith(".gz")) return "application/gzip";
  return "application/octet-stream";
}
