/**
 * The node as a client of an Omaha server.
 *
 * @module
 */

import {
  type Disk,
  type Node,
  type Reporter,
  runningVersion,
  survey,
  type Trust,
} from "../core/mod.ts";
import { readHostname } from "../host/mod.ts";
import { type HttpOptions, type Tls, WebClient } from "../http/mod.ts";
import { NoteFile, OmahaClient, OmahaSource, OmahaTeller, UPDATE_PATH } from "../omaha/mod.ts";
import type { Settings } from "./read_settings.ts";
import { AGENT_VERSION } from "./scope.ts";

/** What a client of an Omaha server goes by. */
export interface OmahaPlaces {
  readonly settings: Settings;
  readonly disk: Disk;
  /** The directory of the state: what is remembered of the server is beside it. */
  readonly workDirectory: string;
  readonly reporter: Reporter;
  readonly headersSeconds: number;
  readonly tls?: Tls;
  readonly unattended: boolean;
  /** The node, once it is there. */
  readonly node: () => Node;
}

/** A client, and what a source is made of besides. */
export interface OpenOmaha {
  readonly client: OmahaClient;
  readonly server: URL;
  readonly web: WebClient;
  readonly http: HttpOptions;
}

/**
 * The client that the settings ask for; nothing is asked yet.
 *
 * @throws {UpdateError} `usage` where one of those is no good.
 */
export async function openOmaha(places: OmahaPlaces): Promise<OpenOmaha> {
  const { settings, disk, reporter, node, headersSeconds, tls } = places;
  const server = addressOf(settings.get("server") as URL);
  const http = { headersSeconds, tls, userAgent: `kubesolo-update/${AGENT_VERSION}` };
  const web = new WebClient(server, http);
  const client = new OmahaClient({
    web,
    appId: settings.get("appId"),
    track: settings.get("track") ?? settings.get("channel"),
    notes: new NoteFile(disk, `${places.workDirectory}/omaha.json`, reporter),
    reporter,
    agent: `kubesolo-update-${AGENT_VERSION}`,
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    bootId: node().boot.id,
    alias: settings.get("nodeName") ?? await readHostname(disk).catch(() => undefined),
    version: async () => await runningVersion(node(), await survey(node())),
    unattended: places.unattended,
  });
  return { client, server, web, http };
}

/** Tells that server how updates get on. */
export function omahaTeller({ client }: OpenOmaha): OmahaTeller {
  return new OmahaTeller(client);
}

/** The source of what it offers. */
export function omahaSource(open: OpenOmaha, reporter: Reporter, trust?: Trust): OmahaSource {
  const { client, server, web, http } = open;
  return new OmahaSource({ client, server, web, http: { ...http, trust }, reporter });
}

/** As go-omaha's client reads it: a server without a path is asked at the usual one. */
function addressOf(server: URL): URL {
  return server.pathname === "/" ? new URL(`${UPDATE_PATH}/${server.search}`, server) : server;
}
