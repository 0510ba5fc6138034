/**
 * The smallest update server: one package, for whoever asks. A stand-in for go-omaha's
 * `serve-package`: the same addresses, the same answers.
 *
 * @module
 */

import { reasonOf } from "../core/mod.ts";
import { plain } from "./_answers.ts";
import { askedUrl } from "./asked_url.ts";
import { chooseManifests } from "./choose_manifests.ts";
import { type ServedFile, servedFile } from "./package_bytes.ts";
import type { OmahaAction, OmahaPackage } from "./response_types.ts";
import { omahaHandler } from "./server.ts";

/** The path of the protocol; what lies below is it too. */
export const UPDATE_PATH = "/v1/update";

/** Where packages are. */
export const PACKAGES_PATH = "/packages/";

/** What the package is called there, whatever its file is called. */
export const PACKAGE_NAME = "update.gz";

/** A package and its version. */
export interface ServedPackage extends ServedFile {
  /** The version, as `isStrictVersion` has it. */
  readonly version: string;
  /** SHA-1 in base64. */
  readonly hash: string;
  /** SHA-256 in base64. */
  readonly hash_sha256: string;
}

/**
 * Offers one package to every application that runs an older version, and serves it. `say` hears who has
 * asked for what, in words for people.
 */
export function packageHandler(
  served: ServedPackage,
  say: (client: string, words: string) => void = () => {},
): (request: Request, client?: string) => Promise<Response> {
  const { version, hash, hash_sha256, size } = served;
  const one: OmahaPackage = { name: PACKAGE_NAME, hash, hash_sha256, size, required: true };
  const action: OmahaAction = {
    event: "postinstall",
    sha256: hash_sha256,
    DisablePayloadBackoff: true,
  };
  const target = { version, packages: [one], actions: [action] };
  const updates = omahaHandler({
    ping: (_, { client }) => say(client, "is there"),
    event({ eventtype, eventresult, errorcode }, _, { client }) {
      const error = errorcode ? `, error ${errorcode}` : "";
      say(client, `reports event ${eventtype ?? 0}, result ${eventresult ?? 0}${error}`);
    },
    updateCheck(app, { client, origin }) {
      try {
        const manifests = chooseManifests(app, target);
        if (manifests.length === 0) {
          say(client, `runs ${app.version}, which is not older than ${version}`);
          return undefined;
        }
        say(client, `runs ${app.version}, and is offered ${version}`);
        return { urls: [`${origin}${PACKAGES_PATH}`], manifests };
      } catch (error) {
        say(client, `is offered nothing: ${reasonOf(error)}`);
        throw error;
      }
    },
  });
  return async (request, client) => {
    const url = askedUrl(request);
    if (!url) return plain(400, "No such host");
    const { pathname } = url;
    if (pathname === UPDATE_PATH || pathname.startsWith(`${UPDATE_PATH}/`)) {
      return await updates(request, client);
    }
    if (pathname === `${PACKAGES_PATH}${PACKAGE_NAME}`) return await servedFile(request, served);
    return plain(404, "404 page not found");
  };
}
