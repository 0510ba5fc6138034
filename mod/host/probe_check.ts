/**
 * Health: does the node's own service answer?
 *
 * @module
 */

import { type HealthCheck, requestReasonOf } from "../core/mod.ts";

/** Redirects that a probe follows, all on one host. */
export const MAX_PROBE_REDIRECTS = 3;

/** How a probe connects. */
export interface ProbeOptions {
  /** Trusts other certificate authorities, or presents a certificate. */
  readonly client?: Deno.HttpClient;
}

/**
 * A check that passes when a GET of `url` answers 2xx. A redirect to another host, or from https to
 * http, is a no: what answers there is not this node. The body is not read.
 */
export function probeCheck(url: string | URL, options: ProbeOptions = {}): HealthCheck {
  return {
    name: "probe",
    async run(signal) {
      let target = new URL(url);
      for (let redirects = 0; redirects <= MAX_PROBE_REDIRECTS; redirects++) {
        const response = await get(target, signal, options.client);
        await response.body?.cancel().catch(() => {});
        if (response.ok) return;
        const answer = `${printable(target)} answered ${response.status} ${response.statusText}`;
        const location = response.status >= 300 && response.status < 400
          ? response.headers.get("location")
          : null;
        if (location === null) throw new Error(answer.trim());
        target = onSameHost(target, location);
      }
      throw new Error(
        `${printable(new URL(url))} redirects more than ${MAX_PROBE_REDIRECTS} times`,
      );
    },
  };
}

async function get(url: URL, signal: AbortSignal, client?: Deno.HttpClient): Promise<Response> {
  try {
    return await fetch(url, { redirect: "manual", signal, client });
  } catch (error) {
    if (signal.aborted) throw new Error(`${printable(url)} did not answer in time`);
    // the runtime's message repeats the URL, with what may be secret in its query
    const reason = requestReasonOf(error);
    throw new Error(`${printable(url)} did not answer: ${reason}`, { cause: error });
  }
}

function onSameHost(from: URL, location: string): URL {
  const to = URL.parse(location, from);
  if (!to || to.hostname !== from.hostname) {
    throw new Error(
      `${printable(from)} redirects to ${to ? printable(to) : "no URL"}: not this host`,
    );
  }
  if (from.protocol === "https:" && to.protocol !== "https:") {
    throw new Error(`${printable(from)} redirects from https to ${printable(to)}`);
  }
  return to;
}

/** The URL as it may be shown: without user, password and query. */
function printable(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}
