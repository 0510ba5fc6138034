/**
 * Tokens from the server that a registry names (distribution's token and OAuth 2.0 specifications).
 *
 * @module
 */

import { dismiss, failureOf, printable, refuseWebPage } from "./_answer.ts";
import { guarded, readUpTo } from "./_body.ts";
import { call, type Connection } from "./_http.ts";
import type { Challenge } from "./challenge.ts";
import type { Credential } from "./credentials.ts";
import { OrasError } from "./errors.ts";
import { DEFAULT_TOKEN_SECONDS, MAX_TOKEN_BYTES, TOKEN_MARGIN_SECONDS } from "./registry_limits.ts";

/** A token, and how long it is of use. */
export interface Token {
  readonly text: string;
  readonly seconds: number;
}

/** Who the client says it is, where a token server wants to know. */
const CLIENT_ID = "oras-deno";

/** Most characters of a scope that a registry's challenge adds. */
const MAX_SCOPE_LENGTH = 1024;

/**
 * A token for `scopes`, with those that the challenge names.
 *
 * @throws {OrasError} `refused` where the server says no; `protocol` where the challenge names no server
 * that credentials may be told to, or its answer has no token.
 */
export async function fetchToken(
  challenge: Challenge,
  registry: URL,
  scopes: readonly string[],
  credential: Exclude<Credential, { kind: "registry" }> | undefined,
  connection: Connection,
): Promise<Token> {
  const url = realmOf(challenge, registry);
  const action = `asking ${printable(url)} for a token`;
  const service = challenge.parameters.get("service");
  const asked = (challenge.parameters.get("scope") ?? "").slice(0, MAX_SCOPE_LENGTH).split(" ");
  const all = [...new Set([...scopes, ...asked.filter(Boolean)])];
  const common = { action, url };
  const answer = credential?.kind === "identity"
    ? await call({
      ...common,
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new TextEncoder().encode(
        new URLSearchParams({
          grant_type: "refresh_token",
          service: service ?? registry.host,
          client_id: CLIENT_ID,
          scope: all.join(" "),
          refresh_token: credential.token,
        }).toString(),
      ),
    }, connection)
    : await call({
      ...common,
      url: withQuery(url, service, all),
      method: "GET",
      headers: {},
      authorization: credential && { value: basic(credential), origin: url.origin },
    }, connection);
  if (answer.url.origin !== url.origin) {
    await dismiss(answer.response);
    throw new OrasError("protocol", action, `it leads to ${printable(answer.url)}`);
  }
  if (answer.response.status !== 200) throw await failureOf(answer, action);
  return await readToken(answer.response, answer.url, action);
}

/** Value of `Authorization` (RFC 7617). */
export function basic({ username, password }: { username: string; password: string }): string {
  const pair = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(Array.from(pair, (byte) => String.fromCharCode(byte)).join(""))}`;
}

/** https anywhere; plain http on the host of a registry that is itself asked over plain http. */
function realmOf({ parameters }: Challenge, registry: URL): URL {
  const url = URL.parse(parameters.get("realm") ?? "");
  const refuse = (found: string) =>
    new OrasError("protocol", `reading who gives tokens for ${registry.host}`, found);
  if (!url) throw refuse("the challenge's realm is no URL");
  if (url.username || url.password) throw refuse("the challenge's realm names a user");
  const plain = url.protocol === "http:" && registry.protocol === "http:" &&
    url.hostname === registry.hostname;
  if (url.protocol !== "https:" && !plain) {
    throw refuse(`${printable(url)}, where https was wanted: credentials would be seen by others`);
  }
  url.hash = "";
  return url;
}

function withQuery(realm: URL, service: string | undefined, scopes: readonly string[]): URL {
  const url = new URL(realm);
  if (service) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  return url;
}

async function readToken(response: Response, url: URL, action: string): Promise<Token> {
  await refuseWebPage({ response, url });
  const bytes = await readUpTo(guarded(response.body, action), MAX_TOKEN_BYTES);
  let fields: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof value === "object" && value !== null) fields = value as Record<string, unknown>;
  } catch {
    // nothing of it is shown: it may be a token
  }
  const text = fields.token || fields.access_token;
  if (typeof text !== "string" || !/^[\x21-\x7e]+$/.test(text)) {
    throw new OrasError("protocol", action, "an answer without a token");
  }
  const given = fields.expires_in;
  const seconds = typeof given === "number" && given > 0 ? given : DEFAULT_TOKEN_SECONDS;
  return { text, seconds: seconds - Math.min(TOKEN_MARGIN_SECONDS, seconds / 2) };
}
