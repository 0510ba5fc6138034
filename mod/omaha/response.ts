/**
 * What a server answers. Members are called as the attributes and elements of the protocol are.
 *
 * @module
 */

import { readAttributes, writeAttributes } from "./_attributes.ts";
import {
  childOf,
  childrenOf,
  type Element,
  element,
  readDocument,
  writeDocument,
} from "./_element.ts";
import { ACTION, APP, MANIFEST, PACKAGE, RESPONSE, UPDATE_CHECK } from "./_response_attributes.ts";
import { PROTOCOL } from "./codes.ts";
import type {
  OmahaAppResponse,
  OmahaManifest,
  OmahaPackage,
  OmahaResponse,
  OmahaUpdateCheckResponse,
} from "./response_types.ts";

// every server says this, and no client reads it
const ELAPSED_SECONDS = "0";

/**
 * The response in a document, read as leniently as {@linkcode parseRequest} reads.
 *
 * @throws {UpdateError} `verification` where there is none.
 */
export function parseResponse(document: string | Uint8Array): OmahaResponse {
  return readDocument(document, "response", (root, apps) => ({
    ...readAttributes(root, RESPONSE),
    apps: apps.map(readApp),
  }));
}

function readApp(app: Element): OmahaAppResponse {
  const [ping, check] = [childOf(app, "ping"), childOf(app, "updatecheck")];
  return {
    ...readAttributes(app, APP),
    ...ping && { ping: readStatus(ping) },
    ...check && { updatecheck: readUpdateCheck(check) },
    events: childrenOf(app, "event").map(readStatus),
  };
}

function readStatus(answer: Element): { status?: string } {
  const status = answer.attributes.get("status");
  return status === undefined ? {} : { status };
}

function readUpdateCheck(check: Element): OmahaUpdateCheckResponse {
  return {
    ...readAttributes(check, UPDATE_CHECK),
    urls: childrenOf(childOf(check, "urls"), "url").map((url) =>
      url.attributes.get("codebase") ?? ""
    ),
    manifests: childrenOf(check, "manifest").map((manifest): OmahaManifest => ({
      ...readAttributes(manifest, MANIFEST),
      packages: childrenOf(childOf(manifest, "packages"), "package").map(readPackage),
      actions: childrenOf(childOf(manifest, "actions"), "action").map((action) =>
        readAttributes(action, ACTION)
      ),
    })),
  };
}

function readPackage(one: Element): OmahaPackage {
  const metadata = childOf(one, "metadata");
  const type = metadata?.attributes.get("content-type");
  return {
    ...readAttributes(one, PACKAGE),
    ...metadata &&
      { metadata: { ...type !== undefined && { "content-type": type }, text: metadata.text } },
  };
}

/** The document of a response; the children of an application are in the order that clients expect. */
export function writeResponse(response: OmahaResponse): string {
  const attributes = { protocol: PROTOCOL, ...writeAttributes(response, RESPONSE) };
  return writeDocument(
    element("response", attributes, [
      element("daystart", { elapsed_seconds: ELAPSED_SECONDS }),
      ...response.apps.map((app) => {
        const { ping, updatecheck, events } = app;
        return element("app", writeAttributes(app, APP), [
          ping && element("ping", { status: ping.status }),
          updatecheck && writeUpdateCheck(updatecheck),
          ...events.map(({ status }) => element("event", { status })),
        ]);
      }),
    ]),
  );
}

function writeUpdateCheck(check: OmahaUpdateCheckResponse): Element {
  return element("updatecheck", writeAttributes(check, UPDATE_CHECK), [
    element("urls", {}, check.urls.map((codebase) => element("url", { codebase }))),
    ...check.manifests.map((manifest) =>
      element("manifest", writeAttributes(manifest, MANIFEST), [
        element("packages", {}, manifest.packages.map(writePackage)),
        element(
          "actions",
          {},
          manifest.actions.map((action) => element("action", writeAttributes(action, ACTION))),
        ),
      ])
    ),
  ]);
}

function writePackage(one: OmahaPackage): Element {
  const { metadata } = one;
  return element("package", writeAttributes(one, PACKAGE), [
    metadata &&
    element("metadata", { "content-type": metadata["content-type"] }, [], metadata.text),
  ]);
}
