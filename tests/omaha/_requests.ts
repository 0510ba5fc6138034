/**
 * What updaters ask a server.
 *
 * @module
 */

import { type OmahaAppRequest, writeRequest } from "../../mod/omaha/mod.ts";

/** Where updaters ask. */
export const URL_UPDATE = "http://host:8000/v1/update/";

/** A request with this body; a text has no content type unless one is given. */
export function post(body: BodyInit, headers: HeadersInit = {}, url = URL_UPDATE): Request {
  const request = new Request(url, { method: "POST", body, headers });
  if (typeof body === "string" && !new Headers(headers).has("content-type")) {
    request.headers.delete("content-type");
  }
  return request;
}

/** The document that asks for these applications; each is `a` unless told otherwise. */
export function document(...apps: Partial<OmahaAppRequest>[]): string {
  return writeRequest({ apps: apps.map((app) => ({ appid: "a", events: [], ...app })) });
}
