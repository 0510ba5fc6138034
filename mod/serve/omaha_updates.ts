/**
 * Releases of a directory over Omaha, and their packages.
 *
 * @module
 */

import { compareVersions, oneLine, reasonOf, shortened } from "../core/mod.ts";
import {
  APP_STATUS,
  type OmahaAppRequest,
  omahaHandler,
  type OmahaManifest,
  type OmahaOffer,
  type OmahaVisit,
  PACKAGES_PATH,
} from "../omaha/mod.ts";
import { documentAnswer, fileAnswer, plain, typeOf } from "./_answers.ts";
import { fileInside } from "./_paths.ts";
import type { Catalogue } from "./catalogue.ts";
import { chooseRelease, type Wish, wishOf } from "./choose_release.ts";
import type { Fleet, FleetNode } from "./fleet.ts";
import type { CompleteRelease } from "./release_place.ts";
import { stampOf, storedFile } from "./stored_file.ts";

/** Hears about requests, in words for people; `isNews` is what is worth a line where there are many. */
export type Say = (client: string, words: string, isNews?: boolean) => void;

/** What answers are made of. */
export interface OmahaParts {
  /** What there is. */
  readonly catalogue: Catalogue;
  /** Who asks. */
  readonly fleet: Fleet;
  /** Applications that are served; others are unknown. */
  readonly apps: readonly string[];
  /** Hears who has asked for what. */
  readonly say: Say;
}

const TRUST_FILE = /^[1-9]\d{0,8}\.json(?:\.sig|\.minisig)?$/;

/** Answers whatever comes below the address of the protocol. */
export function updatesHandler(
  parts: OmahaParts,
): (request: Request, client?: string) => Promise<Response> {
  const { fleet, say } = parts;
  const known = new Set(parts.apps.map(plainId));
  const seen = (app: OmahaAppRequest, wish: Wish, { client, agent }: OmahaVisit) =>
    fleet.seen(app, wish, { address: client, agent });
  return omahaHandler({
    app: ({ appid = "" }) =>
      known.has(plainId(appid)) ? APP_STATUS.ok : APP_STATUS.unknownApplication,
    ping(app, visit) {
      seen(app, wishOf(app, visit.request.os), visit);
    },
    updateCheck(app, visit) {
      const wish = wishOf(app, visit.request.os);
      const node = seen(app, wish, visit);
      try {
        return offer(parts, {
          node,
          wish,
          origin: visit.origin,
          severalOk: app.multi_manifest_ok === true,
        });
      } catch (error) {
        say(nameOf(node), `is offered nothing: ${reasonOf(error)}`);
        throw error;
      }
    },
    event(event, app, visit) {
      const node = seen(app, wishOf(app, visit.request.os), visit);
      fleet.happened(node.id, event, app.version ?? "");
      const { eventtype = 0, eventresult = 0, errorcode } = event;
      const error = errorcode ? `, error ${errorcode}` : "";
      const words = `event ${eventtype}, result ${eventresult}${error}`;
      say(nameOf(node), `reports ${words}: it is ${fleet.get(node.id)?.phase}`, true);
    },
  });
}

/** A node that asks for an update. */
interface Asking {
  readonly node: FleetNode;
  readonly wish: Wish;
  readonly origin: string;
  /** Whether it takes all the steps at once. */
  readonly severalOk: boolean;
}

/** What a node is offered; undefined where that is nothing. */
function offer(
  { catalogue, fleet, say }: OmahaParts,
  { node, wish, origin, severalOk }: Asking,
): OmahaOffer | undefined {
  const { newest, steps } = chooseRelease(
    wish,
    [...catalogue.contents.releases.values()].map(([release]) => release),
  );
  const [next] = steps;
  if (!next) {
    const isCurrent = newest !== undefined &&
      compareVersions(wish.version, newest.release.version) >= 0;
    const why = newest === undefined
      ? `there is nothing for ${wish.channel}, ${wish.architecture || "no architecture"}`
      : isCurrent
      ? `which is not older than ${newest.release.version}`
      : `no way leads to ${newest.release.version}`;
    say(nameOf(node), `runs ${wish.version}: ${why}`);
    fleet.notOffered(node.id, isCurrent);
    return undefined;
  }
  say(nameOf(node), `runs ${wish.version}, and is offered ${next.release.version}`, true);
  fleet.offered(node.id, next.release.version);
  const codebase = (one: CompleteRelease) => `${origin}${PACKAGES_PATH}${one.id}/`;
  if (steps.length === 1 || !severalOk) {
    return { urls: [codebase(next)], manifests: [manifestOf(next)] };
  }
  const floors = steps.slice(0, -1);
  const target = steps[steps.length - 1];
  return {
    urls: [codebase(target)],
    manifests: [
      ...floors.map((one) => ({ ...manifestOf(one, `${one.id}/`), is_floor: true })),
      { ...manifestOf(target), is_target: true },
    ],
  };
}

function nameOf({ alias, id }: FleetNode): string {
  return alias ? `${alias} (${id})` : id;
}

/** One version as a manifest; `prefix` is where its packages are below the codebase. */
function manifestOf({ release, artifacts }: CompleteRelease, prefix = ""): OmahaManifest {
  const base64 = (hex: string) => Uint8Array.fromHex(hex).toBase64();
  return {
    version: release.version,
    packages: artifacts.map(({ name, info, digests: { sha1, sha256 } }) => ({
      name: `${prefix}${name}`,
      hash: sha1,
      hash_sha256: base64(sha256),
      size: info.size,
      required: true,
    })),
    actions: [{
      event: "postinstall",
      sha256: base64(artifacts[0].digests.sha256),
      DisablePayloadBackoff: true,
    }],
  };
}

/**
 * The file behind the names below `/packages/`: a package of a release, its `latest.json` and signatures, or
 * the roots of trust in its directory. The codebases of other releases lie below each, for those on the way.
 */
export async function packageAnswer(
  request: Request,
  names: readonly string[],
  { root, contents }: Catalogue,
): Promise<Response> {
  const [id, name, below, ...more] = names.slice(contents.releases.has(names[1]) ? 1 : 0);
  const [release, place] = contents.releases.get(id) ?? [];
  if (!release || !place || more.length > 0) return plain(404, "No such release");
  if (below === undefined) {
    const document = place.documents.get(name);
    if (document) return await documentAnswer(request, name, document);
    const artifact = release.artifacts.find((one) => one.name === name);
    if (artifact) {
      const tag = artifact.digests.sha256;
      const type = typeOf(name);
      return await fileAnswer(request, storedFile(artifact.path, artifact.info, { tag, type }));
    }
  }
  if (name === "trust" && TRUST_FILE.test(below)) {
    const steps = place.name === "" ? [] : place.name.split("/");
    const found = await fileInside(root, [...steps, name, below]);
    if (found) {
      const file = { tag: stampOf(found.info), type: typeOf(below) };
      return await fileAnswer(request, storedFile(found.path, found.info, file));
    }
  }
  return plain(404, "No such package");
}

/** Identifiers are often UUIDs, with braces or without, in either case. */
function plainId(appid: string): string {
  return shortened(oneLine(appid), 128).replace(/^\{(.*)\}$/, "$1").toLowerCase();
}
