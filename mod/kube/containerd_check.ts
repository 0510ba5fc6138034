/**
 * Health: does containerd serve?
 *
 * @module
 */

import { type HealthCheck, oneLine, reasonOf, requestReasonOf } from "../core/mod.ts";

/** Where containerd listens: KubeSolo's own, and what a distribution installs. */
export const CONTAINERD_SOCKETS = [
  "/var/lib/kubesolo/containerd/containerd.sock",
  "/run/containerd/containerd.sock",
] as const;

/** Most bytes of an answer that are looked at. */
const MAX_ANSWER_BYTES = 256;

/** The name of every service together is empty, and an empty message has no bytes. */
const REQUEST = new Uint8Array(5);

/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
const SERVING_STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/**
 * A check that passes when containerd's own health service says SERVING
 * (https://github.com/grpc/grpc/blob/master/doc/health-checking.md), asked over the first socket of
 * `paths` that is there.
 */
export function containerdCheck(paths: readonly string[] = CONTAINERD_SOCKETS): HealthCheck {
  return {
    name: "containerd",
    async run(signal) {
      const path = await firstSocket(paths);
      using client = Deno.createHttpClient({
        proxy: { transport: "unix", path },
        http1: false,
        http2: true,
      });
      const status = await ask(client, signal).catch((error) => {
        const reason = signal.aborted ? reasonOf(signal.reason) : requestReasonOf(error);
        throw new Error(`${path}: ${reason}`, { cause: error });
      });
      if (status !== "SERVING") throw new Error(`${path} answers ${status}`);
    },
  };
}

/** The first of `paths` that is a socket. */
async function firstSocket(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const there = await Deno.stat(path).catch(() => undefined);
    if (there?.isSocket) return path;
  }
  throw new Error(`no socket at ${paths.join(" or ")}`);
}

async function ask(client: Deno.HttpClient, signal: AbortSignal): Promise<string> {
  const response = await fetch("http://localhost/grpc.health.v1.Health/Check", {
    method: "POST",
    headers: { "content-type": "application/grpc", te: "trailers" },
    body: REQUEST,
    client,
    signal,
  });
  const code = response.headers.get("grpc-status") ?? "0";
  const grpc = response.headers.get("content-type")?.startsWith("application/grpc");
  const bytes = await firstBytes(response);
  if (response.status !== 200 || !grpc) throw new Error(`answered ${response.status}, no gRPC`);
  if (code !== "0") {
    const message = response.headers.get("grpc-message") ?? "";
    throw new Error(oneLine(`gRPC status ${code} ${message}`));
  }
  // one byte of flags, four of length, then field 1 as a varint; a zero is left out
  if (bytes.length < 5) throw new Error("an answer without a message");
  const [, , , , length, tag, value] = bytes;
  const known = length === 0 ? 0 : length === 2 && tag === 0x08 ? value : -1;
  return SERVING_STATUS[known] ?? "what is no health status";
}

async function firstBytes(response: Response): Promise<Uint8Array> {
  const bytes: number[] = [];
  for await (const chunk of response.body ?? []) {
    bytes.push(...chunk.subarray(0, MAX_ANSWER_BYTES));
    if (bytes.length >= MAX_ANSWER_BYTES) break;
  }
  return Uint8Array.from(bytes);
}
