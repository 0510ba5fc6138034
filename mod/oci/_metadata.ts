/** What is said about a release by name: annotations of a manifest, or labels of a container image. */

import {
  type Artifact,
  isMoment,
  isSha256,
  isVersion,
  oneLine,
  type Release,
  unameOf,
  UpdateError,
} from "../core/mod.ts";
import { ANNOTATION_PREFIX, MAX_ANNOTATION_LENGTH, MAX_ARTIFACT_BYTES } from "./release_terms.ts";

/** Size and digest of an artifact. */
export interface Content {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** Names and values, read with suspicion. */
export class Metadata {
  readonly #values: Readonly<Record<string, string>>;
  readonly #kind: string;
  readonly #source: string;
  readonly #advice: string;

  /** `kind` is `annotation` or `label`, `source` where they were found, `advice` what to do if they are wrong. */
  constructor(
    values: Readonly<Record<string, string>> | undefined,
    words: { readonly kind: string; readonly source: string; readonly advice: string },
  ) {
    this.#values = values ?? {};
    this.#kind = words.kind;
    this.#source = words.source;
    this.#advice = words.advice;
  }

  /** Whether something is said under that name. */
  has(key: string): boolean {
    return Object.hasOwn(this.#values, ANNOTATION_PREFIX + key) &&
      this.#values[ANNOTATION_PREFIX + key] !== "";
  }

  /** The value, on one line. */
  line(key: string): string | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#values[ANNOTATION_PREFIX + key];
    if (value.length > MAX_ANNOTATION_LENGTH) {
      const found = `${this.#named(key)} of ${value.length} characters`;
      throw this.refuse(`${found}, where at most ${MAX_ANNOTATION_LENGTH} are read`);
    }
    return oneLine(value) || undefined;
  }

  /** The value, which is a version. */
  version(key: string): string | undefined {
    const value = this.line(key);
    if (value === undefined || isVersion(value)) return value;
    throw this.refuse(`the ${this.#named(key)} is no version`);
  }

  /** The texts between commas. */
  list(key: string): readonly string[] {
    return this.line(key)?.split(",").map((text) => text.trim()) ?? [];
  }

  #moment(key: string): string | undefined {
    const value = this.line(key);
    if (value === undefined || isMoment(value)) return value;
    throw this.refuse(`the ${this.#named(key)} is no moment such as 2027-01-31T00:00:00Z`);
  }

  #number(key: string): number | undefined {
    const value = this.line(key);
    if (value === undefined) return undefined;
    const number = /^[1-9]\d{0,15}$/.test(value) ? Number(value) : NaN;
    if (Number.isSafeInteger(number)) return number;
    throw this.refuse(`the ${this.#named(key)} is no positive whole number`);
  }

  #wanted(key: string): string {
    const value = this.line(key);
    if (value === undefined) throw this.refuse(`no ${this.#named(key)}`);
    return value;
  }

  /** What `<name>.sha256` and `<name>.size` say. */
  content(name: string): Content {
    const sha256 = this.#wanted(`${name}.sha256`);
    if (!isSha256(sha256)) {
      throw this.refuse(`the ${this.#named(`${name}.sha256`)} is no SHA-256 in lower-case`);
    }
    const digits = this.#wanted(`${name}.size`);
    const size = /^[1-9]\d{0,15}$/.test(digits) ? Number(digits) : NaN;
    if (!(size <= MAX_ARTIFACT_BYTES)) {
      const found = `the ${this.#named(`${name}.size`)} is no number of bytes`;
      throw this.refuse(`${found} up to ${MAX_ARTIFACT_BYTES}`);
    }
    return { sha256, size };
  }

  /** The release that consists of these artifacts; for `architecture`, where nothing is said about that. */
  release(artifacts: readonly Artifact[], architecture?: string): Release {
    const stated = this.line("architecture") ?? architecture;
    const version = this.version("version");
    if (version === undefined) throw this.refuse(`no ${this.#named("version")}`);
    return {
      version,
      channel: this.line("channel"),
      architecture: stated && unameOf(stated),
      minCompatibleVersion: this.version("min_compatible_version"),
      minAllowedVersion: this.version("min_allowed_version"),
      notes: this.line("release_notes"),
      date: this.line("release_date"),
      expires: this.#moment("expires"),
      metadataVersion: this.#number("metadata_version"),
      artifacts,
    };
  }

  /** The error for what was found. */
  refuse(found: string): UpdateError {
    return refuse(this.#source, found, this.#advice);
  }

  #named(key: string): string {
    return `${this.#kind} ${ANNOTATION_PREFIX}${key}`;
  }
}

/** The error for a release that is not what it has to be. */
export function refuse(source: string, found: string, advice: string): UpdateError {
  return new UpdateError("verification", { operation: `reading ${source}`, found, advice });
}
