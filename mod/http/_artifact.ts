/**
 * The bytes of one artifact, from an offset on (RFC 9110, 14).
 *
 * @module
 */

import { type ArtifactBody, UpdateError } from "../core/mod.ts";
import { printable } from "./_address.ts";
import { contentLength, parseContentRange, unsatisfiedLength } from "./_content_range.ts";
import { type Answer, get, type Requests } from "./_get.ts";
import { getUndecoded, wasDecoded } from "./_undecoded.ts";
import type { Validators } from "./_validators.ts";

/**
 * Resolves with a body that starts at `offset`, or at 0 where the server cannot do that, or has
 * another file by now.
 */
export async function openArtifact(
  url: URL,
  offset: number,
  requests: Requests,
  validators: Validators,
  signal?: AbortSignal,
): Promise<ArtifactBody> {
  if (offset > 0) {
    const range = { range: `bytes=${offset}-` };
    const answer = await getAsIs(
      url,
      requests,
      (at) => ({ ...range, ...validators.condition(at) }),
      signal,
    );
    const body = partOf(answer, offset, validators);
    if (body?.stream !== answer.response.body) await answer.response.body?.cancel().catch(() => {});
    // a server that is confused about ranges may still send the whole
    if (body) return body;
  }
  const answer = await getAsIs(url, requests, () => ({}), signal);
  if (answer.response.status === 200) return wholeOf(answer, validators);
  await answer.response.body?.cancel().catch(() => {});
  throw new UpdateError("source", {
    operation: `fetching ${printable(answer.url)}`,
    found: `the server answered ${answer.response.status} where 200 was wanted`,
    advice: "see that the server is an ordinary file server",
  });
}

/** {@linkcode get}, of the bytes as the server has them. */
async function getAsIs(
  start: URL,
  requests: Requests,
  headersFor: (url: URL) => Record<string, string>,
  signal?: AbortSignal,
): Promise<Answer> {
  const answer = await get(start, requests, headersFor, signal);
  if (!await wasDecoded(answer, requests, signal)) return answer;
  const { response, url, headers } = answer;
  await response.body?.cancel().catch(() => {});
  return await getUndecoded(url, headers, response.status, requests, signal);
}

/** The body, where the answer to a request for a range is of use. */
function partOf(
  answer: Answer,
  offset: number,
  validators: Validators,
): ArtifactBody | undefined {
  const { response: { status, headers, body }, url } = answer;
  if (status === 200) return wholeOf(answer, validators);
  if (status === 416) {
    // all of it is there already
    const size = unsatisfiedLength(headers.get("content-range"));
    return size === offset && validators.fits(url, headers)
      ? { offset, size, stream: noBytes() }
      : undefined;
  }
  const range = parseContentRange(headers.get("content-range"));
  const length = contentLength(headers);
  const sane = status === 206 && range?.first === offset && body !== null &&
    (length === undefined || length === range.last - range.first + 1) &&
    validators.fits(url, headers);
  if (!sane) return undefined;
  validators.keep(url, answer.response);
  return { offset, size: range.total, stream: body };
}

function wholeOf({ response, url }: Answer, validators: Validators): ArtifactBody {
  validators.keep(url, response);
  const size = contentLength(response.headers);
  return { offset: 0, size, stream: response.body ?? noBytes() };
}

function noBytes(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ type: "bytes", start: (controller) => controller.close() });
}
