/**
 * A fleet's server and a node that asks it, for tests: answers are written by hand, as other servers write
 * them.
 *
 * @module
 */

import { assert } from "@std/assert";
import { createHash } from "node:crypto";
import { type Artifact, type Release, transfer, type Trust } from "../../mod/core/mod.ts";
import { FleetReporter } from "../../mod/cli/fleet_reporter.ts";
import { WebClient } from "../../mod/http/mod.ts";
import {
  NoteFile,
  OmahaClient,
  type OmahaRequest,
  OmahaSource,
  OmahaTeller,
  parseRequest,
} from "../../mod/omaha/mod.ts";
import { RecordedReporter, RecordedSink, sha256 } from "../core/_recorded_sink.ts";
import { MemoryDisk } from "../fakes/memory_disk.ts";
import { recordedSleep, serve, type TestServer } from "../http/_servers.ts";

export const APP = "e96281a6-d1af-4bde-9a0a-97b76e56dc57";

/** Where a node of these tests keeps its notes. */
export const NOTES = "/state/omaha.json";

/** A digest of bytes in base64. */
export function base64(bytes: Uint8Array, algorithm: "sha1" | "sha256"): string {
  return createHash(algorithm).update(bytes).digest("base64");
}

/** A package with both digests; `changes` replace attributes, null leaves one out. */
export function packageXml(
  name: string,
  bytes: Uint8Array,
  changes: Readonly<Record<string, string | null>> = {},
): string {
  const attributes = {
    name,
    hash: base64(bytes, "sha1"),
    hash_sha256: base64(bytes, "sha256"),
    size: String(bytes.length),
    required: "true",
    ...changes,
  };
  return `<package ${attributesXml(attributes)}/>`;
}

/** A manifest; `action` has the attributes of its postinstall action. */
export function manifestXml(
  version: string,
  packages: readonly string[],
  action: Readonly<Record<string, string>> = {},
  attributes = "",
): string {
  return `<manifest version="${version}" ${attributes}><packages>${packages.join("")}</packages>` +
    `<actions><action event="postinstall" ${attributesXml(action)}/></actions></manifest>`;
}

/** An update that is offered. */
export function offerXml(
  codebases: readonly string[],
  manifests: readonly string[],
  attributes = "",
): string {
  const urls = codebases.map((codebase) => `<url codebase="${codebase}"/>`).join("");
  return `<updatecheck status="ok" ${attributes}><urls>${urls}</urls>${
    manifests.join("")
  }</updatecheck>`;
}

/** A response about {@linkcode APP}, unindented, as nebraska writes it. */
export function responseXml(content: string, app = `appid="${APP}" status="ok"`): string {
  return '<?xml version="1.0" encoding="UTF-8"?>\n<response protocol="3.0" server="nebraska">' +
    `<daystart elapsed_seconds="0"></daystart><app ${app}><ping status="ok"></ping>${content}` +
    "</app></response>";
}

export const NO_UPDATE = responseXml('<updatecheck status="noupdate"><urls></urls></updatecheck>');

function attributesXml(attributes: Readonly<Record<string, string | null>>): string {
  return Object.entries(attributes).flatMap(([name, value]) =>
    value === null ? [] : [`${name}="${value}"`]
  ).join(" ");
}

type Answer = string | ((request: OmahaRequest, count: number) => Response | Promise<Response>);

/** See the module's description. */
export class Fleet implements AsyncDisposable {
  /** What was asked, in order. */
  readonly asked: OmahaRequest[] = [];
  /** What else lies on the server, by path; bytes can be asked for from any offset on. */
  readonly files = new Map<string, Uint8Array<ArrayBuffer> | string>();
  /** Paths of files that were asked for. */
  readonly fetched: string[] = [];
  readonly #server: TestServer;

  /** A server that answers so. */
  constructor(answer: Answer) {
    this.#server = serve(async (request) => {
      const { pathname } = new URL(request.url);
      if (request.method === "POST") {
        this.asked.push(parseRequest(await request.text()));
        return typeof answer === "string"
          ? new Response(answer, { headers: { "content-type": "text/xml" } })
          : await answer(this.asked[this.asked.length - 1], this.asked.length);
      }
      this.fetched.push(pathname);
      const file = this.files.get(pathname);
      if (file === undefined) return new Response(null, { status: 404 });
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
      if (typeof file === "string" || from === 0) return new Response(file);
      const range = `bytes ${from}-${file.length - 1}/${file.length}`;
      return new Response(file.slice(from), { status: 206, headers: { "content-range": range } });
    });
  }

  /** Its address. */
  get url(): string {
    return this.#server.url;
  }

  /** Events so far, as `type/result` and, where there is one, the number of the error. */
  get events(): string[] {
    return this.asked.flatMap(({ apps }) => apps[0].events).map((event) =>
      `${event.eventtype}/${event.eventresult}${event.errorcode ? ` ${event.errorcode}` : ""}`
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

/** A node that asks a server. */
export class FleetNode implements Disposable {
  readonly disk: MemoryDisk;
  readonly reporter = new RecordedReporter();
  /** Milliseconds that it has waited, each time. */
  readonly waits: number[];
  readonly client: OmahaClient;
  readonly source: OmahaSource;
  readonly telling: FleetReporter;

  /** A node of `server` that runs 1.0.0 unless told otherwise; `disk` has what was there before. */
  constructor(
    server: string,
    { version = "1.0.0", trust, unattended, disk = new MemoryDisk() }: {
      readonly version?: string | undefined;
      readonly trust?: Trust;
      readonly unattended?: boolean;
      readonly disk?: MemoryDisk;
    } = {},
  ) {
    this.disk = disk;
    const { waits, sleep } = recordedSleep();
    this.waits = waits;
    const url = new URL("/v1/update/", server);
    const web = new WebClient(url, { sleep });
    this.client = new OmahaClient({
      web,
      appId: APP,
      track: "stable",
      notes: new NoteFile(disk, NOTES, this.reporter),
      reporter: this.reporter,
      agent: "kubesolo-update-0.1.0",
      architecture: "amd64",
      bootId: "00000000-0000-4000-8000-000000000001",
      alias: "node-1",
      version: () => Promise.resolve(version),
      unattended,
      sleep,
    });
    this.source = new OmahaSource({
      client: this.client,
      server: url,
      web,
      http: { trust, sleep },
      reporter: this.reporter,
    });
    const teller = new OmahaTeller(this.client);
    this.telling = new FleetReporter(this.reporter, () => Promise.resolve(teller));
  }

  /** What it is offered; fails where that is withheld. */
  async latest(): Promise<Release | undefined> {
    const latest = await this.source.latest();
    assert(!latest || !("withheld" in latest), JSON.stringify(latest));
    return latest;
  }

  /** Why it is offered nothing for now. */
  async withheld(): Promise<string | undefined> {
    const latest = await this.source.latest();
    return latest && "withheld" in latest ? latest.withheld : undefined;
  }

  /** What it has kept. */
  get notes(): Record<string, unknown> {
    return JSON.parse(new TextDecoder().decode(this.disk.get(NOTES)));
  }

  /** Fetches one artifact as the agent does. */
  async fetch(artifact: Artifact, sink = new RecordedSink()): Promise<string> {
    const { reporter } = this;
    await transfer(this.source, artifact, sink, {
      reporter,
      stallSeconds: 20,
      sleep: async () => {},
    });
    return sha256(sink.bytes);
  }

  [Symbol.dispose](): void {
    this.source[Symbol.dispose]();
  }
}
