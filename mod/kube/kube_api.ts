/**
 * The few questions that the checks have for the API server, over TLS, with bounded answers.
 *
 * @module
 */

import { oneLine, reasonOf, requestReasonOf } from "../core/mod.ts";
import { matched } from "./_matched.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import type { NodeObject, PodObject } from "./objects.ts";

/** Most bytes of one answer. */
export const MAX_ANSWER_BYTES = 8 << 20;

/** Pods of one page of a list. */
export const PODS_PER_PAGE = 50;

/** Most pages of a list: a kubelet runs 110 pods unless told otherwise. */
export const MAX_PAGES = 20;

const MAX_COMPLAINT_LENGTH = 300;

interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly text: string;
}

/** A connection to one API server; dispose of it when the question is answered. */
export class KubeApi implements Disposable {
  #access: ClusterAccess;
  #client: Deno.HttpClient;

  /**
   * The server of `access`. Its authority counts besides those that the machine trusts.
   *
   * @throws {Error} where its certificates cannot be used.
   */
  constructor(access: ClusterAccess) {
    this.#access = access;
    const { authority, client } = access;
    try {
      if (client) matched(client);
      this.#client = Deno.createHttpClient({
        ...authority ? { caCerts: [authority] } : {},
        ...client ? { cert: client.certificate, key: client.key } : {},
      });
    } catch (error) {
      throw new Error(`the certificates of ${access.from} cannot be used: ${reasonOf(error)}`);
    }
  }

  /** Resolves when `/readyz` says so. */
  async ready(signal: AbortSignal): Promise<void> {
    const answer = await this.#get("/readyz", signal);
    if (answer.status === 200) return;
    // one line for each check of the server's own: [+]ping ok, [-]etcd failed: reason withheld
    const failed = answer.text.split("\n").filter((line) => line.startsWith("[-]"));
    throw this.#refusal("/readyz", answer, failed.map((line) => line.slice(3)).join(", "));
  }

  /** The node of that name. */
  async node(name: string, signal: AbortSignal): Promise<NodeObject> {
    const path = `/api/v1/nodes/${encodeURIComponent(name)}`;
    return await this.#object<NodeObject>(path, "Node", signal);
  }

  /** The pods of a namespace that run on a node. */
  async pods(namespace: string, node: string, signal: AbortSignal): Promise<PodObject[]> {
    const pods: PodObject[] = [];
    let next = "";
    for (let page = 0; page < MAX_PAGES; page++) {
      const query = new URLSearchParams({
        fieldSelector: `spec.nodeName=${node}`,
        limit: String(PODS_PER_PAGE),
        ...next ? { continue: next } : {},
      });
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?${query}`;
      const list = await this.#object<PodList>(path, "PodList", signal);
      if (!Array.isArray(list.items)) throw new Error(`${this.#where(path)} lists no items`);
      pods.push(...list.items);
      next = list.metadata?.continue ?? "";
      if (!next) return pods;
    }
    throw new Error(`${this.#access.server.host} lists pods without end`);
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#client.close();
  }

  async #object<T>(path: string, kind: string, signal: AbortSignal): Promise<T> {
    const answer = await this.#get(path, signal);
    const object = parseObject(answer.text);
    if (answer.status !== 200) {
      throw this.#refusal(path, answer, object?.kind === "Status" ? String(object.message) : "");
    }
    if (object?.kind !== kind) throw new Error(`${this.#where(path)} answered with no ${kind}`);
    return object as T;
  }

  async #get(path: string, signal: AbortSignal): Promise<Answer> {
    const { server, token } = this.#access;
    try {
      const response = await fetch(new URL(path.slice(1), withSlash(server)), {
        // where a redirect leads, the credentials have no business
        redirect: "manual",
        headers: {
          accept: "application/json",
          ...token ? { authorization: `Bearer ${token}` } : {},
        },
        client: this.#client,
        signal,
      });
      const { status, statusText } = response;
      return { status, statusText, text: await boundedText(response) };
    } catch (error) {
      const reason = signal.aborted ? reasonOf(signal.reason) : requestReasonOf(error);
      throw new Error(`${this.#where(path)}: ${reason}`, { cause: error });
    }
  }

  #refusal(path: string, { status, statusText }: Answer, words: string): Error {
    const complaint = words.slice(0, MAX_COMPLAINT_LENGTH);
    const detail = complaint ? `: ${complaint}` : "";
    const whose = status === 401 || status === 403 ? `, asked as ${this.#access.from} says` : "";
    return new Error(
      oneLine(`${this.#where(path)} answered ${status} ${statusText}${detail}${whose}`),
    );
  }

  #where(path: string): string {
    return `${this.#access.server.origin}${path.replace(/\?.*/, "")}`;
  }
}

interface PodList {
  readonly items?: PodObject[];
  readonly metadata?: { readonly continue?: string };
}

function withSlash(server: URL): URL {
  return new URL(server.pathname.replace(/\/?$/, "/"), server);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const bytes of response.body ?? []) {
    length += bytes.length;
    if (length > MAX_ANSWER_BYTES) throw new Error(`more than ${MAX_ANSWER_BYTES} bytes`);
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}
