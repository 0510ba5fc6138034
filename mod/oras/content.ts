/**
 * Content, addressed by its digest: the small interfaces that registries, layouts and memory share, as
 * in oras-go's `content` package.
 *
 * @module
 */

/** Names content by media type, digest and size (OCI image specification 1.1, descriptor.md). */
export interface Descriptor {
  /** RFC 6838 media type. */
  readonly mediaType: string;
  /** `sha256:` and 64 lower-case hexadecimal digits. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** Type of an artifact, where the descriptor is of a manifest. */
  readonly artifactType?: string;
  /** Free-form names and values. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** What machine it is for, in an index. */
  readonly platform?: Platform;
}

/** A machine, in Go's words (`amd64`, `arm64`; `linux`). */
export interface Platform {
  /** `GOARCH`. */
  readonly architecture: string;
  /** `GOOS`. */
  readonly os: string;
  /** Such as `v8`. */
  readonly variant?: string;
}

/** Bytes on their way. */
export type ByteStream = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Where to start, and when to give up. */
export interface FetchOptions {
  /** Bytes to leave out at the beginning; 0 where absent. What comes is then not verified as a whole. */
  readonly offset?: number;
  /** Ends the transfer. */
  readonly signal?: AbortSignal;
}

/** Gives content. */
export interface Fetcher {
  /**
   * The bytes of `target` from `offset` on, as they come: nobody has verified them yet, see
   * {@linkcode verified}. The stream is a byte stream.
   * @throws {OrasError} `missing` where there is no such content.
   */
  fetch(target: Descriptor, options?: FetchOptions): Promise<ByteStream>;
}

/** Takes content. */
export interface Pusher {
  /** Whether the content is there, whole. */
  exists(target: Descriptor): Promise<boolean>;
  /**
   * Resolves when `content` is there and is what `expected` says; content that is there already is left
   * as it is.
   * @throws {OrasError} `content` where size or digest are others.
   */
  push(expected: Descriptor, content: ByteStream | Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Finds content by name. */
export interface Resolver {
  /**
   * The descriptor of the manifest that a tag or a digest names.
   * @throws {OrasError} `missing` where there is none.
   */
  resolve(reference: string): Promise<Descriptor>;
}

/** Gives names to content. */
export interface Tagger {
  /** Resolves when `tag` names the manifest `target`, which is there. */
  tag(target: Descriptor, tag: string): Promise<void>;
  /** All tags, sorted. */
  tags(): Promise<string[]>;
}

/** Knows what refers to content. */
export interface ReferrerLister {
  /** Manifests whose `subject` is `subject`, all or those of one artifact type. */
  referrers(subject: Descriptor, artifactType?: string): Promise<Descriptor[]>;
}

/** Everything that a source of a copy can do. */
export interface ReadOnlyTarget extends Fetcher, Resolver, ReferrerLister {}

/** A registry's repository, an image layout, or memory. */
export interface Target extends ReadOnlyTarget, Pusher, Tagger {
  /** For messages. */
  readonly name: string;
}
