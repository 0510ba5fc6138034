/**
 * A server of the protocol: requests come in, an {@linkcode OmahaUpdater} decides, responses go out.
 *
 * @module
 */

import { isXmlType, plain, readBody, xml } from "./_answers.ts";
import { APP_STATUS, type AppStatus, UPDATE_STATUS } from "./codes.ts";
import {
  MAX_BYTES_UNDER_WAY,
  MAX_DOCUMENT_BYTES,
  MAX_PARALLEL_REQUESTS,
  REQUEST_MS,
} from "./limits.ts";
import {
  type OmahaAppRequest,
  type OmahaEventRequest,
  type OmahaRequest,
  parseRequest,
} from "./request.ts";
import { writeResponse } from "./response.ts";
import type { OmahaAppResponse, OmahaUpdateCheckResponse } from "./response_types.ts";

/** One request, as it came. */
export interface OmahaVisit {
  /** What it says. */
  readonly request: OmahaRequest;
  /** `http://` and the host that the client has asked: where it reaches this server. */
  readonly origin: string;
  /** Who asks, for logs. */
  readonly client: string;
  /** Its `User-Agent`. */
  readonly agent: string;
}

/** Decides what is answered. Whatever is absent is answered as if all were well. */
export interface OmahaUpdater {
  /** The server's name in responses. */
  readonly server?: string;
  /** Whether the application is served here: `ok`, or why not. What it then asks is not looked at. */
  app?(app: OmahaAppRequest, visit: OmahaVisit): AppStatus | Promise<AppStatus>;
  /** An application is there. */
  ping?(app: OmahaAppRequest, visit: OmahaVisit): void | Promise<void>;
  /**
   * What an application may update to; undefined: nothing. What it throws becomes `error-internal`.
   */
  updateCheck?(
    app: OmahaAppRequest,
    visit: OmahaVisit,
  ): OmahaOffer | undefined | Promise<OmahaOffer | undefined>;
  /** Something has happened to an application. */
  event?(
    event: OmahaEventRequest,
    app: OmahaAppRequest,
    visit: OmahaVisit,
  ): void | Promise<void>;
}

/** What is offered: where, and which versions. */
export type OmahaOffer = Pick<OmahaUpdateCheckResponse, "urls" | "manifests">;

/**
 * Answers whatever comes to the address of the protocol. The status is 200 where every application is
 * served, whatever becomes of its update check, 503 where more is under way than the limits allow, and 400
 * for anything else. Never throws.
 *
 * @example
 * ```ts
 * import { omahaHandler, parseResponse, writeRequest } from "@kubesolo/update/omaha";
 * import { assertEquals } from "@std/assert";
 *
 * const handle = omahaHandler({ app: ({ appid }) => appid === "a" ? "ok" : "error-unknownApplication" });
 * const body = writeRequest({ apps: [{ appid: "a", ping: { active: 1 }, events: [] }] });
 * const headers = { "content-type": "text/xml" };
 * const answer = await handle(new Request("http://host/v1/update/", { method: "POST", headers, body }));
 * const { apps } = parseResponse(await answer.text());
 * assertEquals(apps, [{ appid: "a", status: "ok", ping: { status: "ok" }, events: [] }]);
 * ```
 */
export function omahaHandler(
  updater: OmahaUpdater,
): (request: Request, client?: string) => Promise<Response> {
  const load: Load = { requests: 0, bytes: 0 };
  return async (request, client = "") => {
    if (request.method !== "POST") return plain(400, "Expected a POST");
    let length = 0;
    const arrived = (bytes: number) => {
      if (load.bytes + bytes > MAX_BYTES_UNDER_WAY) throw new TooMuch();
      load.bytes += bytes;
      length += bytes;
    };
    try {
      return await respond(updater, request, { client, load, arrived });
    } catch (error) {
      // no request, or a client that has gone
      return error instanceof TooMuch ? busy() : bad();
    } finally {
      load.bytes -= length;
    }
  };
}

/** What is under way. */
interface Load {
  requests: number;
  bytes: number;
}

/** More than one server can hold. */
class TooMuch extends Error {}

interface Call {
  readonly client: string;
  readonly load: Load;
  readonly arrived: (bytes: number) => void;
}

async function respond(
  updater: OmahaUpdater,
  http: Request,
  { client, load, arrived }: Call,
): Promise<Response> {
  if (!isXmlType(http.headers.get("content-type"))) return bad();
  const body = await readBody(http, MAX_DOCUMENT_BYTES, REQUEST_MS, arrived);
  // the rest of it is not waited for
  if (!body) return bad({ connection: "close" });
  const request = parseRequest(body);
  // only now: who sends half a request holds up nobody
  if (load.requests >= MAX_PARALLEL_REQUESTS) throw new TooMuch();
  load.requests++;
  try {
    return await answer(updater, request, http, client);
  } finally {
    load.requests--;
  }
}

async function answer(
  updater: OmahaUpdater,
  request: OmahaRequest,
  http: Request,
  client: string,
): Promise<Response> {
  const host = http.headers.get("host") ?? new URL(http.url).host;
  const agent = http.headers.get("user-agent") ?? "";
  const visit = { request, origin: `http://${host}`, client, agent };
  const apps: OmahaAppResponse[] = [];
  for (const app of request.apps) apps.push(await answerApp(updater, app, visit));
  const well = apps.length > 0 && apps.every(({ status }) => status === APP_STATUS.ok);
  return xml(well ? 200 : 400, writeResponse({ server: updater.server, apps }));
}

function busy(): Response {
  return plain(503, "Too many requests at once", { "retry-after": "1" });
}

function bad(headers?: HeadersInit): Response {
  return plain(400, "Bad Omaha Request", headers);
}

async function answerApp(
  updater: OmahaUpdater,
  app: OmahaAppRequest,
  visit: OmahaVisit,
): Promise<OmahaAppResponse> {
  const { appid, ping, updatecheck, events } = app;
  const ok = { status: APP_STATUS.ok };
  try {
    const status = await updater.app?.(app, visit) ?? APP_STATUS.ok;
    if (status !== APP_STATUS.ok) return { appid, status, events: [] };
    if (ping) await updater.ping?.(app, visit);
    // they are older than the question that carries them
    for (const event of events) await updater.event?.(event, app, visit);
    const answer = updatecheck && await answerUpdateCheck(updater, app, visit);
    return {
      appid,
      ...ok,
      ...ping && { ping: ok },
      ...answer && { updatecheck: answer },
      events: events.map(() => ok),
    };
  } catch {
    return { appid, status: APP_STATUS.internal, events: [] };
  }
}

async function answerUpdateCheck(
  updater: OmahaUpdater,
  app: OmahaAppRequest,
  visit: OmahaVisit,
): Promise<OmahaUpdateCheckResponse> {
  try {
    const offer = await updater.updateCheck?.(app, visit);
    if (!offer) return { status: UPDATE_STATUS.noUpdate, urls: [], manifests: [] };
    return { status: UPDATE_STATUS.ok, ...offer };
  } catch {
    return { status: UPDATE_STATUS.internal, urls: [], manifests: [] };
  }
}
