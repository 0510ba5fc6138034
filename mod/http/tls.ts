/**
 * TLS beyond the usual: an authority of one's own, a certificate to present.
 *
 * @module
 */

import { Agent } from "node:https";

/** Certificates and a key, in PEM. The key is never shown. */
export interface Tls {
  /** Certificates of authorities that are trusted besides the usual ones. */
  readonly caCerts?: string[];
  /** What the client presents, its own certificate first; goes with `key`. */
  readonly cert?: string;
  /** Of the first certificate in `cert`: the runtime ends the program where it is another one's. */
  readonly key?: string;
}

/** The same for `node:https`. */
export function agentOf({ caCerts, cert, key }: Tls): Agent {
  // the runtime adds them to its own authorities, and of several texts it takes the first alone
  return new Agent({ ca: caCerts?.join("\n"), cert, key });
}
