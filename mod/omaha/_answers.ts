/**
 * Answers over HTTP, as go-omaha's server gives them.
 *
 * @module
 */

/** Bytes for which there is room at first: most requests have fewer. */
const FIRST_BYTES = 2048;

/** A line for people. */
export function plain(status: number, text: string, headers: HeadersInit = {}): Response {
  const all = new Headers(headers);
  all.set("content-type", "text/plain; charset=utf-8");
  all.set("x-content-type-options", "nosniff");
  return new Response(`${text}\n`, { status, headers: all });
}

/** A document. */
export function xml(status: number, document: string): Response {
  const bytes = new TextEncoder().encode(document);
  const headers = {
    "content-type": "text/xml; charset=utf-8",
    // else it goes out in chunks, which not every client of the protocol takes
    "content-length": String(bytes.length),
  };
  return new Response(bytes, { status, headers });
}

/** Whether a body of this type may be an Omaha request; clients that name none are taken too. */
export function isXmlType(contentType: string | null): boolean {
  if (contentType === null || contentType.trim() === "") return true;
  const [type, ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
  if (type !== "text/xml" && type !== "application/xml") return false;
  return parameters.every((parameter) => {
    const [name, value = ""] = parameter.split("=", 2);
    return name !== "charset" || value.replaceAll('"', "") === "utf-8";
  });
}

/**
 * All of a body; undefined where it is longer than `limit`, or does not come in `milliseconds`. `arrived`
 * hears of every part; what it throws ends the reading.
 */
export async function readBody(
  { body }: Request,
  limit: number,
  milliseconds: number,
  arrived: (bytes: number) => void,
): Promise<Uint8Array | undefined> {
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  // a part of one byte may lie in memory of many: parts that are kept would be more than their bytes
  let bytes = new Uint8Array(FIRST_BYTES);
  let length = 0;
  const timer = setTimeout(() => reader.cancel().catch(() => {}), milliseconds);
  const started = performance.now();
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limit) {
        await reader.cancel().catch(() => {});
        return undefined;
      }
      arrived(value.length);
      if (length > bytes.length) {
        const more = new Uint8Array(Math.min(2 * length, limit));
        more.set(bytes);
        bytes = more;
      }
      bytes.set(value, length - value.length);
    }
  } catch (error) {
    await reader.cancel().catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
  if (performance.now() - started >= milliseconds) return undefined;
  return bytes.subarray(0, length);
}
