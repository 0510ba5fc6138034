/** One request, asked until there is an answer or no hope of one. */

import {
  adviceOnHandshake,
  oneLine,
  reasonOf,
  shortened,
  SourceInterrupted,
  UpdateError,
} from "../core/mod.ts";
import type { PostAnswer, WebClient } from "../http/mod.ts";
import { ERROR_CODE } from "./codes.ts";
import { FIRST_WAIT_MS, MAX_DOCUMENT_BYTES } from "./limits.ts";
import { httpErrorCode, OmahaError } from "./omaha_error.ts";
import { parseResponse } from "./response.ts";
import type { OmahaAppResponse } from "./response_types.ts";

/** Statuses of an answer that may be another one the next time. */
const TRY_AGAIN = [408, 429, 500, 502, 503, 504];

/** Most characters of a status that a message shows. */
const MAX_SHOWN = 80;

/** How long an answer is waited for. */
export interface Patience {
  /** Times that it is asked again where the server cannot answer now. */
  readonly retries: number;
  /** Times that it is asked again where the server does not answer at all. */
  readonly silentRetries: number;
  /** Seconds for each answer. */
  readonly seconds: number;
  /** Resolves after so many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
}

/** An answer about one application. */
export interface AppAnswer {
  readonly app: OmahaAppResponse;
  /** All of the response. */
  readonly document: string;
}

/**
 * What the server answers about `appId`.
 *
 * @throws {OmahaError} `source` where it does not answer well, `verification` where what it answers is no
 * response of the protocol.
 */
export async function ask(
  web: WebClient,
  document: string,
  appId: string,
  { retries, silentRetries, seconds, sleep }: Patience,
  signal?: AbortSignal,
): Promise<AppAnswer> {
  const terms = { contentType: "text/xml", limit: MAX_DOCUMENT_BYTES, seconds };
  for (let tries = 1;; tries++) {
    const wait = FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + Math.random());
    try {
      const answer = await web.post(document, terms, signal);
      if (!TRY_AGAIN.includes(answer.status) || tries > retries) {
        return readAnswer(answer, appId, web.name, tries);
      }
      await sleep(Math.max(wait, answer.retryAfter));
    } catch (error) {
      if (!(error instanceof SourceInterrupted)) throw error;
      if (tries > silentRetries) throw silent(error, web.name, tries);
      await sleep(wait);
    }
  }
}

function readAnswer(
  { status, bytes }: PostAnswer,
  appId: string,
  name: string,
  tries: number,
): AppAnswer {
  const operation = `asking ${name}`;
  if (status !== 200) {
    const times = tries > 1 ? `, ${tries} times in a row` : "";
    throw new OmahaError(httpErrorCode(status), "source", {
      operation,
      found: `the server answered ${status}${saidBy(bytes)}${times}`,
      advice: status >= 300 && status < 400
        ? "give the address that it redirects to"
        : "see that address, application and track are right, and what the server's log says",
    });
  }
  const refuse = (errorCode: number, found: string, cause?: unknown) =>
    new OmahaError(errorCode, "verification", {
      operation,
      found,
      advice: "see that it is the address of an Omaha server, such as http://host/v1/update/",
      cause,
    });
  if (!bytes) {
    throw refuse(ERROR_CODE.omahaResponseInvalid, `more than ${MAX_DOCUMENT_BYTES} bytes`);
  }
  if (bytes.length === 0) throw refuse(ERROR_CODE.omahaRequestEmptyResponse, "an empty answer");
  let apps: readonly OmahaAppResponse[];
  try {
    apps = parseResponse(bytes).apps;
  } catch (error) {
    const found = error instanceof UpdateError ? error.found : reasonOf(error);
    throw refuse(ERROR_CODE.omahaRequestXmlParse, `no Omaha response: ${found}`, error);
  }
  const app = apps.find(({ appid }) => appid === appId);
  if (app) return { app, document: new TextDecoder().decode(bytes) };
  const others = apps.map(({ appid = "" }) => shownStatus(appid)).slice(0, 3).join(", ") || "none";
  throw refuse(
    ERROR_CODE.omahaResponseInvalid,
    `an answer about another application than ${appId}: ${others}`,
  );
}

/** What a server says of the application in an answer that is not 200: go-omaha's does. */
function saidBy(bytes: Uint8Array | undefined): string {
  try {
    const [app] = parseResponse(bytes ?? new Uint8Array()).apps;
    return app?.status ? `, ${shownStatus(app.status)}` : "";
  } catch {
    return "";
  }
}

/** Text of a server's, as it may be shown. */
export function shownStatus(text: string): string {
  return shortened(oneLine(text), MAX_SHOWN) || '""';
}

function silent(cause: Error, name: string, tries: number): OmahaError {
  return new OmahaError(ERROR_CODE.omahaRequest, "source", {
    operation: `asking ${name}`,
    found: `${cause.message}${tries > 1 ? `, ${tries} times in a row` : ""}`,
    advice: adviceOnHandshake(cause.message) ??
      "check the network and the server, and run it again",
    cause,
  });
}
