/** Descriptors as JSON, read and written. */

import { isPresent, type JsonReader } from "./_json.ts";
import type { Descriptor, Platform } from "./content.ts";
import { isDigest } from "./digest.ts";

/** Longest media type and artifact type: two names of RFC 6838, section 4.2, and the slash. */
const MAX_MEDIA_TYPE_LENGTH = 255;
/** Annotations of one descriptor or manifest. */
const MAX_ANNOTATIONS = 1024;
/** UTF-16 code units of an annotation's name. */
const MAX_ANNOTATION_NAME_LENGTH = 1024;
/** UTF-16 code units of a platform's property. */
const MAX_PLATFORM_LENGTH = 128;

/** A type and a subtype: RFC 6838, section 4.2, leniently. */
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/;

/** A descriptor (OCI image specification 1.1, descriptor.md); what it has beyond that is left out. */
export function readDescriptor(json: JsonReader, value: unknown, where: string): Descriptor {
  const object = json.object(value, where);
  const digest = json.text(object.digest, `${where}.digest`, Infinity);
  if (!isDigest(digest)) throw json.wrong(`${where}.digest`, "a sha256 digest", digest);
  const { size } = object;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw json.wrong(`${where}.size`, "a number of bytes", size);
  }
  const mediaType = readMediaType(json, object.mediaType, `${where}.mediaType`);
  return { mediaType, digest, size, ...readOptional(json, object, where) };
}

function readOptional(
  json: JsonReader,
  { artifactType, annotations, platform }: Readonly<Record<string, unknown>>,
  where: string,
): Pick<Descriptor, "artifactType" | "annotations" | "platform"> {
  return {
    ...readArtifactType(json, artifactType, where),
    ...readAnnotations(json, annotations, where),
    ...(isPresent(platform) ? { platform: readPlatform(json, platform, where) } : {}),
  };
}

/** A media type. */
function readMediaType(json: JsonReader, value: unknown, where: string): string {
  const text = json.text(value, where, MAX_MEDIA_TYPE_LENGTH);
  if (!MEDIA_TYPE.test(text)) throw json.wrong(where, "a media type", text);
  return text;
}

/** The type of an artifact, where there is one. */
export function readArtifactType(
  json: JsonReader,
  value: unknown,
  where: string,
): { artifactType?: string } {
  // Go writes an absent text as "" in some places.
  if (!isPresent(value) || value === "") return {};
  return { artifactType: readMediaType(json, value, `${where}.artifactType`) };
}

/** Annotations, where there are any; their values are texts. */
export function readAnnotations(
  json: JsonReader,
  value: unknown,
  where: string,
): { annotations?: Readonly<Record<string, string>> } {
  if (!isPresent(value)) return {};
  const at = `${where}.annotations`;
  const entries = Object.entries(json.object(value, at));
  json.list(entries, at, MAX_ANNOTATIONS);
  const texts = entries.map(([name, text]): [string, string] => {
    if (name.length > MAX_ANNOTATION_NAME_LENGTH) throw json.wrong(at, "shorter names", name);
    if (typeof text !== "string") throw json.wrong(at, "texts", text);
    return [name, text];
  });
  // fromEntries, and not assignment: "__proto__" is a name like any other.
  return { annotations: Object.fromEntries(texts) };
}

function readPlatform(json: JsonReader, value: unknown, where: string): Platform {
  const { architecture, os, variant } = json.object(value, `${where}.platform`);
  const text = (part: unknown, name: string) =>
    json.text(part, `${where}.platform.${name}`, MAX_PLATFORM_LENGTH);
  return {
    architecture: text(architecture, "architecture"),
    os: text(os, "os"),
    ...(isPresent(variant) && variant !== "" ? { variant: text(variant, "variant") } : {}),
  };
}

/** The same descriptor with its properties always in one order, absent ones left out. */
export function writeDescriptor(descriptor: Descriptor): Descriptor {
  const { mediaType, digest, size, annotations, platform, artifactType } = descriptor;
  return {
    mediaType,
    digest,
    size,
    ...writeAnnotations(annotations),
    ...(platform ? { platform: writePlatform(platform) } : {}),
    ...(artifactType ? { artifactType } : {}),
  };
}

function writePlatform({ architecture, os, variant }: Platform): Platform {
  return { architecture, os, ...(variant ? { variant } : {}) };
}

/** Annotations by name; nothing where there are none. */
export function writeAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
): { annotations?: Readonly<Record<string, string>> } {
  const entries = Object.entries(annotations ?? {}).sort(([a], [b]) => a < b ? -1 : 1);
  return entries.length > 0 ? { annotations: Object.fromEntries(entries) } : {};
}
