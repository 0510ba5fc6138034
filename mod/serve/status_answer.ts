/**
 * The status in three forms: a page, JSON, metrics.
 *
 * @module
 */

import { chooseFormat, contentTypeOf } from "../metrics/mod.ts";
import { typed } from "./_answers.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Fleet } from "./fleet.ts";
import { fleetFamilies } from "./fleet_families.ts";
import { NODES_PER_DOCUMENT, NODES_PER_PAGE } from "./limits.ts";
import { PAGE_POLICY, pageOf } from "./page.ts";
import { statusOf } from "./status.ts";

/** The answer to a request for the status, where `pathname` is one of its addresses. */
export function statusAnswer(
  request: Request,
  { pathname, searchParams, host }: URL,
  { contents }: Catalogue,
  fleet: Fleet,
): Response | undefined {
  const asked = Number(searchParams.get("page") ?? 1);
  const page = Number.isSafeInteger(asked) ? asked : 1;
  const status = (perPage: number) => statusOf(contents, fleet, { page, perPage });
  const headers = { "cache-control": "no-store", vary: "accept" };
  const accept = request.headers.get("accept");
  switch (pathname) {
    case "/metrics": {
      const format = chooseFormat(accept);
      const text = format.write(fleetFamilies(status(1)));
      return typed(200, contentTypeOf(format), text, headers);
    }
    case "/":
      if (!accept?.startsWith("application/json")) {
        const policy = { "content-security-policy": PAGE_POLICY };
        const text = pageOf(status(NODES_PER_PAGE), host);
        return typed(200, "text/html; charset=utf-8", text, { ...headers, ...policy });
      } // falls through
    case "/status.json": {
      const text = `${JSON.stringify(status(NODES_PER_DOCUMENT), null, 2)}\n`;
      return typed(200, "application/json", text, headers);
    }
  }
  return undefined;
}
