/**
 * The attributes of a response's elements.
 *
 * @module
 */

import { type Attributes, FLAG, INTEGER, SIZE, TEXT } from "./_attributes.ts";
import type {
  OmahaAction,
  OmahaAppResponse,
  OmahaManifest,
  OmahaPackage,
  OmahaResponse,
  OmahaUpdateCheckResponse,
} from "./response_types.ts";

/** `response`. */
export const RESPONSE: Attributes<Omit<OmahaResponse, "apps">> = { server: TEXT };

/** `app`. */
export const APP: Attributes<Omit<OmahaAppResponse, "ping" | "updatecheck" | "events">> = {
  appid: TEXT,
  status: TEXT,
};

/** `updatecheck`. */
export const UPDATE_CHECK: Attributes<Omit<OmahaUpdateCheckResponse, "urls" | "manifests">> = {
  status: TEXT,
  PollInterval: TEXT,
};

/** `manifest`. */
export const MANIFEST: Attributes<Omit<OmahaManifest, "packages" | "actions">> = {
  version: TEXT,
  is_floor: FLAG,
  floor_reason: TEXT,
  is_target: FLAG,
};

/** `package`. */
export const PACKAGE: Attributes<Omit<OmahaPackage, "metadata">> = {
  name: TEXT,
  hash: TEXT,
  hash_sha256: TEXT,
  size: SIZE,
  required: FLAG,
};

/** `action`; `IsDelta` and `ChromeOSVersion`, which others send, mean nothing any more. */
export const ACTION: Attributes<OmahaAction> = {
  event: TEXT,
  DisplayVersion: TEXT,
  sha256: TEXT,
  needsadmin: FLAG,
  IsDeltaPayload: FLAG,
  DisablePayloadBackoff: FLAG,
  MaxFailureCountPerUrl: INTEGER,
  MetadataSignatureRsa: TEXT,
  MetadataSize: TEXT,
  deadline: TEXT,
  MoreInfo: TEXT,
  Prompt: FLAG,
};
