/**
 * TLS handshakes that fail.
 *
 * @module
 */

/** Failures that the next try would meet as well, in the runtime's words. */
const FINAL =
  /invalid peer certificate|fatal alert: (?:\w*certificate\w*|UnknownCA|AccessDenied|HandshakeFailure)/i;

/** What the runtime says, and what to do about it; the first that fits. */
const ADVICE: readonly (readonly [says: RegExp, advice: string])[] = [
  [
    /invalid peer certificate: certificate (?:expired|not valid yet)/i,
    "see that the node's clock is right, and that the server has a certificate of today",
  ],
  [
    /invalid peer certificate: certificate not valid for name/i,
    "use the name for which the server's certificate was made",
  ],
  [
    /invalid peer certificate/i,
    "trust the authority that issued it with --ca-file, or see that it is the right server",
  ],
  [FINAL, "present a certificate that the server takes, with --client-cert and --client-key"],
  [
    // where the server hangs up while the request is on its way, its alert is lost now and then
    /https:.*(?:operation was canceled: connection closed|broken pipe|connection reset)/i,
    "see whether the server wants a certificate (--client-cert and --client-key), and run it again",
  ],
];

/** Whether a connection failed in a way that asking again does not change. */
export function failsForGood(reason: string): boolean {
  return FINAL.test(reason);
}

/** What to do about a handshake that failed with `reason`; undefined where it was something else. */
export function adviceOnHandshake(reason: string): string | undefined {
  return ADVICE.find(([says]) => says.test(reason))?.[1];
}
