/**
 * A file over HTTP: whole, in part, or not at all where the client has it (RFC 9110, sections 13 and 14).
 *
 * @module
 */

import { plain } from "./_answers.ts";

/** A file that can be read from anywhere. */
export interface ServedFile {
  /** Its bytes. */
  readonly size: number;
  /** When it was last changed. */
  readonly modified: Date;
  /** What changes whenever its bytes do: letters and digits. */
  readonly tag: string;
  /** Its media type; gzip where absent. */
  readonly type?: string;
  /** So many of its bytes from `offset` on. */
  open(offset: number, length: number): Promise<ReadableStream<Uint8Array>>;
}

/**
 * The answer to a request for a file. Of several ranges at once none is honoured: the answer is the
 * whole file then, as the standard allows.
 */
export async function servedFile(request: Request, file: ServedFile): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return plain(405, "GET and HEAD only", { allow: "GET, HEAD" });
  }
  const { size } = file;
  const headers = new Headers({
    "accept-ranges": "bytes",
    "content-type": file.type ?? "application/gzip",
    etag: `"${file.tag}"`,
    "last-modified": file.modified.toUTCString(),
  });
  const refusal = precondition(request.headers, file);
  if (refusal) return new Response(null, { status: refusal, headers });
  const range = rangeOf(request.headers, file);
  if (range === "beyond") {
    headers.set("content-range", `bytes */${size}`);
    headers.delete("content-type");
    return plain(416, "The range is not within the file", headers);
  }
  const [offset, length] = range ?? [0, size];
  headers.set("content-length", String(length));
  if (range) headers.set("content-range", `bytes ${offset}-${offset + length - 1}/${size}`);
  const body = request.method === "HEAD" ? null : await file.open(offset, length);
  return new Response(body, { status: range ? 206 : 200, headers });
}

/** 304 or 412, where a condition says so. */
function precondition(headers: Headers, { tag, modified }: ServedFile): 304 | 412 | undefined {
  const names = (list: string) =>
    list.split(",").map((one) => one.trim()).some((one) => one === "*" || one === `"${tag}"`);
  const match = headers.get("if-match");
  const since = headers.get("if-unmodified-since");
  if (match !== null ? !names(match) : isBefore(since, modified)) return 412;
  const none = headers.get("if-none-match");
  if (none !== null) return names(none.replaceAll("W/", "")) ? 304 : undefined;
  const unchanged = headers.get("if-modified-since");
  const known = unchanged !== null && !Number.isNaN(Date.parse(unchanged));
  return known && !isBefore(unchanged, modified) ? 304 : undefined;
}

/** Whether `moment`, as HTTP writes it, lies before the second in which the file was changed. */
function isBefore(moment: string | null, modified: Date): boolean {
  return moment !== null && Date.parse(moment) < Math.floor(modified.getTime() / 1000) * 1000;
}

/** What is asked for: from where and how much; undefined for the whole. */
function rangeOf(
  headers: Headers,
  { size, tag, modified }: ServedFile,
): readonly [offset: number, length: number] | "beyond" | undefined {
  const condition = headers.get("if-range");
  const same = condition === null || condition === `"${tag}"` ||
    condition === modified.toUTCString();
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(headers.get("range")?.trim() ?? "");
  if (!same || !match || match[0] === "bytes=-") return undefined;
  const [from, to] = [match[1], match[2]];
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "beyond" : [size - length, length];
  }
  const offset = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < offset) return "beyond";
  return offset >= size ? "beyond" : [offset, last - offset + 1];
}
