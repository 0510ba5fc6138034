import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { containerdCheck } from "../../mod/kube/mod.ts";
import { Containerd, containerdAbsent } from "./_containerd.ts";

function run(path: string, seconds = 20): Promise<void> {
  return containerdCheck([`${path}.absent`, path]).run(AbortSignal.timeout(seconds * 1000));
}

async function no(path: string, seconds?: number): Promise<string> {
  return (await assertRejects(() => run(path, seconds), Error)).message;
}

Deno.test({
  name: "containerd is well while it serves",
  ignore: containerdAbsent, // where containerd is not installed
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const containerd = await Containerd.start(directory);
      await run(containerd.socket);
      await containerd.stop();
      assertStringIncludes(await no(containerd.socket), `${containerd.socket}`);
      await Deno.remove(containerd.socket).catch(() => {});
      assertEquals(
        await no(containerd.socket),
        `no socket at ${containerd.socket}.absent or ${containerd.socket}`,
      );
      await Deno.writeTextFile(containerd.socket, "a file");
      assertStringIncludes(await no(containerd.socket), "no socket at");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test("what listens on the socket, and is no containerd, is not well, and holds nothing up", async () => {
  const path = `${await Deno.makeTempDir()}/socket`;
  const silent = Deno.listen({ transport: "unix", path });
  const taken: Deno.UnixConn[] = [];
  const taking = (async () => {
    for await (const connection of silent) taken.push(connection);
  })();
  const began = performance.now();
  assertStringIncludes(await no(path, 0.3), `${path}: `);
  assertEquals(performance.now() - began < 10_000, true);
  silent.close();
  await taking;
  taken.forEach((connection) => connection.close());
  assertStringIncludes(await no(path), "no socket at");

  const plain = Deno.serve({ path, onListen: () => {} }, () => new Response("hello"));
  assertStringIncludes(await no(path), "answered 200, no gRPC");
  await plain.shutdown();
});

Deno.test("only SERVING is well", async () => {
  const path = `${await Deno.makeTempDir()}/socket`;
  let answer: () => Response = () => new Response();
  await using _server = Deno.serve({ path, onListen: () => {} }, () => answer());
  const grpc = (bytes: number[], headers: Record<string, string> = {}) => () =>
    new Response(new Uint8Array(bytes), {
      headers: { "content-type": "application/grpc", ...headers },
    });
  const cases: readonly [answer: () => Response, reason: string | undefined][] = [
    [grpc([0, 0, 0, 0, 2, 8, 1]), undefined],
    [grpc([0, 0, 0, 0, 2, 8, 2]), "answers NOT_SERVING"],
    [grpc([0, 0, 0, 0, 2, 8, 3]), "answers SERVICE_UNKNOWN"],
    [grpc([0, 0, 0, 0, 0]), "answers UNKNOWN"],
    [grpc([0, 0, 0, 0, 2, 8, 77]), "answers what is no health status"],
    [grpc([0, 0, 0, 0, 9, 1, 2, 3]), "answers what is no health status"],
    [grpc([]), "an answer without a message"],
    [
      grpc([], { "grpc-status": "12", "grpc-message": "unknown service" }),
      "gRPC status 12 unknown service",
    ],
    [() => new Response("no", { status: 503 }), "answered 503, no gRPC"],
    [
      () =>
        new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(1 << 16)) }), {
          headers: { "content-type": "application/grpc" },
        }),
      "answers UNKNOWN",
    ],
  ];
  for (const [given, reason] of cases) {
    answer = given;
    if (reason === undefined) await run(path);
    else assertStringIncludes(await no(path), reason);
  }
});
