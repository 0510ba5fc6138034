/**
 * One server for all who ask a directory for releases.
 *
 * @module
 */

import { askedUrl, PACKAGES_PATH, UPDATE_PATH } from "../omaha/mod.ts";
import { documentAnswer, fileAnswer, plain, typeOf } from "./_answers.ts";
import { fileInside, namesOf } from "./_paths.ts";
import { LATEST_FILE } from "./_walk.ts";
import { RETRY_SECONDS } from "./limits.ts";
import { type OmahaParts, packageAnswer, updatesHandler } from "./omaha_updates.ts";
import { REGISTRY_PATH, registryAnswer } from "./registry.ts";
import { statusAnswer } from "./status_answer.ts";
import { stampOf, storedFile } from "./stored_file.ts";

/** What a browser may do with what comes from here: show it. */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; " +
    "frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** What the `User-Agent` of nodes begins with. */
const NODE_AGENT = "kubesolo-update";

/** Answers a request that came from `client`. Throws where a file cannot be read. */
export function serveHandler(
  parts: OmahaParts,
): (request: Request, client?: string) => Promise<Response> {
  const updates = updatesHandler(parts);
  return async (request, client = "") => {
    const answer = await respond(request, client);
    for (const [name, value] of Object.entries(SAFE_HEADERS)) {
      if (!answer.headers.has(name)) answer.headers.set(name, value);
    }
    return answer;
  };

  async function respond(request: Request, client: string): Promise<Response> {
    const url = askedUrl(request);
    if (!url) return plain(400, "No such host");
    const { pathname } = url;
    const agent = request.headers.get("user-agent") ?? "";
    const seen = (channel: string) => {
      // browsers and mirrors are no nodes
      if (agent.startsWith(NODE_AGENT)) parts.fleet.asked({ address: client, agent }, channel);
    };
    if (pathname === UPDATE_PATH || pathname.startsWith(`${UPDATE_PATH}/`)) {
      return await updates(request, client);
    }
    const names = namesOf(pathname);
    if (pathname === REGISTRY_PATH || pathname.startsWith(`${REGISTRY_PATH}/`)) {
      const steps = pathname === `${REGISTRY_PATH}/` ? ["v2"] : names ?? ["v2", "", "", ""];
      return await registryAnswer(request, steps, parts.catalogue, (_, tag) => seen(tag));
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      await request.body?.cancel();
      return plain(405, "GET and HEAD only", { allow: "GET, HEAD" });
    }
    const status = statusAnswer(request, url, parts.catalogue, parts.fleet);
    if (status) return status;
    if (!names) return plain(404, "Not found");
    if (pathname.startsWith(PACKAGES_PATH)) {
      return await packageAnswer(request, names.slice(1), parts.catalogue);
    }
    return await fileBelow(request, names, seen);
  }

  async function fileBelow(
    request: Request,
    names: readonly string[],
    seen: (channel: string) => void,
  ): Promise<Response> {
    const { root, contents } = parts.catalogue;
    const name = names[names.length - 1];
    const place = contents.places.get(names.slice(0, -1).join("/"));
    const document = place?.documents.get(name);
    if (place && name === LATEST_FILE) seen(place.releases[0]?.release.channel ?? "");
    if (document) return await documentAnswer(request, name, document);
    const isDocument = place !== undefined && name.startsWith(LATEST_FILE);
    if (isDocument && place.state !== "offered") {
      return plain(503, `This release is not offered: ${place.problem}`, {
        "retry-after": String(RETRY_SECONDS),
      });
    }
    // a signature that has come meanwhile may be that of another document
    const found = isDocument ? undefined : await fileInside(root, names);
    if (!found) return plain(404, "Not found");
    const file = { tag: stampOf(found.info), type: typeOf(name) };
    return await fileAnswer(request, storedFile(found.path, found.info, file));
  }
}
