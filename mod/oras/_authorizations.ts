/**
 * What registries were told last time, and what to tell them next.
 *
 * @module
 */

import { printable } from "./_answer.ts";
import type { Connection } from "./_http.ts";
import { basic, fetchToken } from "./_token_server.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { CredentialFinder } from "./credentials.ts";
import { OrasError } from "./errors.ts";

/** Who wants to do what. */
export interface Applicant {
  readonly registry: string;
  readonly repository: string;
  readonly actions: readonly string[];
  readonly from?: string;
  /** The registry's API. */
  readonly base: URL;
  readonly action: string;
  readonly signal?: AbortSignal;
}

interface Authorization {
  readonly value: string;
  /** On the clock of `performance.now()`, which nobody sets. */
  readonly until: number;
}

/** Values of `Authorization`, by registry and scope. */
export class Authorizations {
  readonly #credentials?: CredentialFinder;
  readonly #connection: Connection;
  readonly #known = new Map<string, Authorization>();
  readonly #pending = new Map<string, Promise<Authorization>>();

  constructor(credentials: CredentialFinder | undefined, connection: Connection) {
    this.#credentials = credentials;
    this.#connection = connection;
  }

  /** What was said last, unless it has expired. */
  known(applicant: Applicant): string | undefined {
    const known = this.#known.get(keyOf(applicant));
    return known && known.until > performance.now() ? known.value : undefined;
  }

  /**
   * What to say after `used` was answered with 401 and the challenges in `header`; undefined where there
   * is nothing to say that was not said already.
   *
   * @throws {OrasError} `refused` where credentials are wanted and none are known, or the token server
   * says no; and as {@linkcode fetchToken} does.
   */
  async renew(
    applicant: Applicant,
    header: string | null,
    used: string | undefined,
  ): Promise<string | undefined> {
    const newer = this.known(applicant);
    if (newer !== undefined && newer !== used) return newer;
    const challenges = parseChallenges(header);
    const challenge = challenges.find(({ scheme }) => scheme === "bearer") ??
      challenges.find(({ scheme }) => scheme === "basic");
    if (!challenge) return undefined;
    const key = keyOf(applicant);
    // several requests that are refused at once want the same token
    let pending = this.#pending.get(key);
    if (!pending) {
      pending = this.#obtain(challenge, applicant).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    const obtained = await unlessAborted(pending, applicant.signal);
    this.#known.set(key, obtained);
    return obtained.value === used ? undefined : obtained.value;
  }

  /** Says `value` no more. */
  forget(applicant: Applicant, value: string): void {
    const key = keyOf(applicant);
    if (this.#known.get(key)?.value === value) this.#known.delete(key);
  }

  async #obtain(challenge: Challenge, applicant: Applicant): Promise<Authorization> {
    const { registry, repository, base, action } = applicant;
    const credential = this.#credentials?.find(registry, repository);
    if (credential?.kind === "registry") {
      return { value: `Bearer ${credential.token}`, until: Infinity };
    }
    if (challenge.scheme === "bearer") {
      const scopes = scopesOf(applicant);
      const token = await fetchToken(challenge, base, scopes, credential, this.#connection);
      return {
        value: `Bearer ${token.text}`,
        until: performance.now() + token.seconds * 1000,
      };
    }
    if (credential?.kind === "password") return { value: basic(credential), until: Infinity };
    const found = `${printable(base)} wants a user and a password, and ` +
      (credential ? "there is only an identity token" : "none are known for it");
    throw new OrasError("refused", action, found);
  }
}

function keyOf(applicant: Applicant): string {
  return [applicant.registry, ...scopesOf(applicant)].join(" ");
}

/** Scopes of a token (distribution's token scope specification). */
function scopesOf({ repository, actions, from }: Applicant): string[] {
  const own = `repository:${repository}:${[...actions].sort().join(",")}`;
  return from === undefined || from === repository
    ? [own]
    : [own, `repository:${from}:pull`].sort();
}

/** One who gives up does not end what others wait for. */
async function unlessAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return await promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
