/**
 * What a client sends. Members are called as the attributes and elements of the protocol are.
 *
 * @module
 */

import {
  type Attributes,
  FLAG,
  INTEGER,
  readAttributes,
  TEXT,
  writeAttributes,
} from "./_attributes.ts";
import {
  childOf,
  childrenOf,
  type Element,
  element,
  readDocument,
  writeDocument,
} from "./_element.ts";
import { PROTOCOL } from "./codes.ts";

/** The client's operating system. */
export interface OmahaOs {
  /** Its name, such as `CoreOS`. */
  readonly platform?: string;
  /** Its version, which update_engine never changes from `Chateau`. */
  readonly version?: string;
  /** Service pack. */
  readonly sp?: string;
  /** Architecture, as `omahaArchitecture` writes it. */
  readonly arch?: string;
}

/** That the application is there. */
export interface OmahaPingRequest {
  /** 1 where it has been used since the last ping. */
  readonly active?: number;
  /** Days since it was last used. */
  readonly a?: number;
  /** Days since it was last counted. */
  readonly r?: number;
}

/** The question whether there is an update. */
export interface OmahaUpdateCheckRequest {
  /** The beginning that the new version is to have. */
  readonly targetversionprefix?: string;
}

/** What has happened. */
export interface OmahaEventRequest {
  /** One of `EVENT_TYPE`. */
  readonly eventtype?: number;
  /** One of `EVENT_RESULT`. */
  readonly eventresult?: number;
  /** One of `ERROR_CODE`, with update_engine's flags in bits 28 to 31. */
  readonly errorcode?: number;
  /** The version that is to run next. */
  readonly nextversion?: string;
  /** The version that ran before. */
  readonly previousversion?: string;
}

/** One application that a request speaks of. */
export interface OmahaAppRequest {
  /** Which application: any text, echoed by the server as it is. */
  readonly appid?: string;
  /** The version that runs. */
  readonly version?: string;
  /** The version that is to run next. */
  readonly nextversion?: string;
  /** Language. */
  readonly lang?: string;
  /** Brand. */
  readonly client?: string;
  /** Days since it was installed. */
  readonly installage?: number;
  /** The kind of machine, such as `amd64-usr`. */
  readonly board?: string;
  /** The channel, such as `stable`. */
  readonly track?: string;
  /** The channel before. */
  readonly from_track?: string;
  /** Whether differences to the running version will do. */
  readonly delta_okay?: boolean;
  /** The model of machine. */
  readonly hardware_class?: string;
  /** This boot. */
  readonly bootid?: string;
  /** This machine. */
  readonly machineid?: string;
  /** A name for this machine. */
  readonly machinealias?: string;
  /** The maker, or cloud. */
  readonly oem?: string;
  /** The version of the maker's part. */
  readonly oemversion?: string;
  /** The version that was installed first. */
  readonly alephversion?: string;
  /** Whether several manifests, of versions on the way, are understood. */
  readonly multi_manifest_ok?: boolean;
  /** It is there. */
  readonly ping?: OmahaPingRequest;
  /** It asks for an update. */
  readonly updatecheck?: OmahaUpdateCheckRequest;
  /** What has happened to it. */
  readonly events: readonly OmahaEventRequest[];
}

/** A whole request; its `protocol` is always `PROTOCOL`. */
export interface OmahaRequest {
  /** The client's version. */
  readonly version?: string;
  /** The updater's name and version. */
  readonly updaterversion?: string;
  /** One of `INSTALL_SOURCE`. */
  readonly installsource?: string;
  /** 1 where it is for all users of a machine. */
  readonly ismachine?: number;
  /** Equal in all requests of one update. */
  readonly sessionid?: string;
  /** The user, or machine. */
  readonly userid?: string;
  /** Different in each request. */
  readonly requestid?: string;
  /** Where the request comes from a test, which. */
  readonly testsource?: string;
  /** The operating system. */
  readonly os?: OmahaOs;
  /** The applications. */
  readonly apps: readonly OmahaAppRequest[];
}

const REQUEST: Attributes<Omit<OmahaRequest, "os" | "apps">> = {
  version: TEXT,
  updaterversion: TEXT,
  installsource: TEXT,
  ismachine: INTEGER,
  sessionid: TEXT,
  userid: TEXT,
  requestid: TEXT,
  testsource: TEXT,
};

const OS: Attributes<OmahaOs> = { platform: TEXT, version: TEXT, sp: TEXT, arch: TEXT };

const APP: Attributes<Omit<OmahaAppRequest, "ping" | "updatecheck" | "events">> = {
  appid: TEXT,
  version: TEXT,
  nextversion: TEXT,
  lang: TEXT,
  client: TEXT,
  installage: INTEGER,
  board: TEXT,
  track: TEXT,
  from_track: TEXT,
  delta_okay: FLAG,
  hardware_class: TEXT,
  bootid: TEXT,
  machineid: TEXT,
  machinealias: TEXT,
  oem: TEXT,
  oemversion: TEXT,
  alephversion: TEXT,
  multi_manifest_ok: FLAG,
};

const PING: Attributes<OmahaPingRequest> = { active: INTEGER, a: INTEGER, r: INTEGER };

const UPDATE_CHECK: Attributes<OmahaUpdateCheckRequest> = { targetversionprefix: TEXT };

const EVENT: Attributes<OmahaEventRequest> = {
  eventtype: INTEGER,
  eventresult: INTEGER,
  errorcode: INTEGER,
  nextversion: TEXT,
  previousversion: TEXT,
};

/**
 * The request in a document. It is read as go-omaha reads it: unknown elements and attributes,
 * namespaces, comments, and whatever follows the root are ignored.
 *
 * @throws {UpdateError} `verification` where there is none.
 *
 * @example
 * ```ts
 * import { parseRequest, writeRequest } from "@kubesolo/update/omaha";
 * import { assertEquals } from "@std/assert";
 *
 * const app = { appid: "node", version: "1.0.0", ping: { active: 1 }, updatecheck: {}, events: [] };
 * const request = { os: { platform: "KubeSolo", arch: "x64" }, apps: [app] };
 * assertEquals(parseRequest(writeRequest(request)), request);
 * ```
 */
export function parseRequest(document: string | Uint8Array): OmahaRequest {
  return readDocument(document, "request", (root, apps) => {
    const os = childOf(root, "os");
    return {
      ...readAttributes(root, REQUEST),
      ...os && { os: readAttributes(os, OS) },
      apps: apps.map(readApp),
    };
  });
}

function readApp(app: Element): OmahaAppRequest {
  const [ping, check] = [childOf(app, "ping"), childOf(app, "updatecheck")];
  return {
    ...readAttributes(app, APP),
    ...ping && { ping: readAttributes(ping, PING) },
    ...check && { updatecheck: readAttributes(check, UPDATE_CHECK) },
    events: childrenOf(app, "event").map((event) => readAttributes(event, EVENT)),
  };
}

/** The document of a request. */
export function writeRequest(request: OmahaRequest): string {
  const { os, apps } = request;
  const attributes = { protocol: PROTOCOL, ...writeAttributes(request, REQUEST) };
  return writeDocument(
    element("request", attributes, [
      os && element("os", writeAttributes(os, OS)),
      ...apps.map(writeApp),
    ]),
  );
}

function writeApp(app: OmahaAppRequest): Element {
  const { ping, updatecheck, events } = app;
  return element("app", writeAttributes(app, APP), [
    ping && element("ping", writeAttributes(ping, PING)),
    updatecheck && element("updatecheck", writeAttributes(updatecheck, UPDATE_CHECK)),
    ...events.map((event) => element("event", writeAttributes(event, EVENT))),
  ]);
}
