/** One package, from whichever codebase has it. */

import { type ArtifactBody, SourceInterrupted, UpdateError } from "../core/mod.ts";
import { printable, type WebClient } from "../http/mod.ts";
import { Checks, type Fault } from "./_checked.ts";
import { addressOf } from "./_codebase.ts";
import { ERROR_CODE } from "./codes.ts";
import type { OfferedPackage } from "./offer.ts";
import { OmahaError } from "./omaha_error.ts";

/** Connections to one codebase that fail before the next one is tried, where the server says nothing. */
const DEFAULT_MAX_FAILURES = 1;

/** The same at most: a transfer is given up after five in a row. */
const MOST_MAX_FAILURES = 3;

const KINDS = {
  size: ERROR_CODE.payloadSizeMismatch,
  hash: ERROR_CODE.payloadHashMismatch,
} as const;

/** Asks the codebases in turn, round and round; one that has sent wrong bytes is not asked again. */
export class PackageDownload {
  readonly #web: WebClient;
  readonly #wanted: OfferedPackage;
  readonly #maxFailures: number;
  readonly #checks: Checks;
  #addresses: readonly URL[];
  #failures = -1;
  #startOver = false;

  /** `codebases` are tried in this order. */
  constructor(
    web: WebClient,
    wanted: OfferedPackage,
    codebases: readonly URL[],
    maxFailures = DEFAULT_MAX_FAILURES,
  ) {
    this.#web = web;
    this.#wanted = wanted;
    this.#addresses = codebases.map((codebase) => addressOf(codebase, wanted.path));
    this.#maxFailures = Math.min(Math.max(maxFailures, DEFAULT_MAX_FAILURES), MOST_MAX_FAILURES);
    this.#checks = new Checks(wanted);
  }

  /** As `UpdateSource.open`. Who asks again has seen the last connection fail. */
  async open(offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    const from = this.#startOver ? 0 : offset;
    if (++this.#failures >= this.#maxFailures) this.#next();
    let failure: unknown;
    for (const address of [...this.#addresses]) {
      try {
        const body = await this.#openAt(address, from, signal);
        this.#startOver = false;
        return body;
      } catch (error) {
        const known = error instanceof UpdateError || error instanceof SourceInterrupted;
        if (!known || signal?.aborted) throw error;
        // what may pass is the better news
        if (!(failure instanceof SourceInterrupted)) failure = error;
        this.#next();
      }
    }
    throw failure;
  }

  async #openAt(address: URL, offset: number, signal?: AbortSignal): Promise<ArtifactBody> {
    const body = await this.#web.open(address, offset, signal);
    const { size } = this.#wanted;
    if (body.size !== undefined && body.size !== size) {
      await body.stream.cancel().catch(() => {});
      const found = `${body.size} bytes where ${size} were promised`;
      throw this.#wrong(address, { kind: "size", found });
    }
    this.#checks.begin(body.offset);
    const watch = (bytes: Uint8Array) => {
      const fault = this.#checks.take(bytes);
      if (fault) throw this.#spoilt(address, fault);
    };
    return { ...body, size, watch };
  }

  /** What came from there is of no use: the next codebase has to bring all of it, if there is one. */
  #spoilt(address: URL, fault: Fault): Error {
    const error = this.#wrong(address, fault);
    if (this.#addresses.length === 1) return error;
    this.#addresses = this.#addresses.filter((other) => other !== address);
    this.#failures = -1;
    this.#startOver = true;
    return new SourceInterrupted(`${printable(address)}: ${fault.found}`, { cause: error });
  }

  #wrong(address: URL, { kind, found }: Fault): OmahaError {
    return new OmahaError(KINDS[kind], "verification", {
      operation: `fetching ${printable(address)}`,
      found,
      advice: "nothing was staged; have the package published again, or check what lies between",
    });
  }

  #next(): void {
    const [first, ...others] = this.#addresses;
    this.#addresses = [...others, first];
    this.#failures = 0;
  }
}
