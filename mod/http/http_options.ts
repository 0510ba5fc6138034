/**
 * How servers are asked over HTTP.
 *
 * @module
 */

import type { Trust } from "../core/mod.ts";
import type { Tls } from "./tls.ts";

/** How a server is asked, and for how long it is waited for. */
export interface HttpOptions {
  /** Trusts other certificate authorities, presents a certificate. */
  readonly tls?: Tls;
  /** Judges `latest.json` before it is read; nothing is asked of it where there is none. */
  readonly trust?: Trust;
  /** `User-Agent`. */
  readonly userAgent?: string;
  /** Seconds until the headers of an answer must have come; `HEADERS_SECONDS`. */
  readonly headersSeconds?: number;
  /** Seconds until all of `latest.json` must have come; `METADATA_SECONDS`. */
  readonly metadataSeconds?: number;
  /** Resolves after so many milliseconds. */
  sleep?(milliseconds: number): Promise<void>;
}
