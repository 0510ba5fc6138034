import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { SourceInterrupted, UpdateError } from "../../mod/core/mod.ts";
import { type PostAnswer, WebClient } from "../../mod/http/mod.ts";
import { Authority } from "../certificates.ts";
import { closedPort, serve } from "./_servers.ts";

const TERMS = { contentType: "text/xml", limit: 100, seconds: 20 };

function post(url: string, terms: Partial<typeof TERMS> = {}): Promise<PostAnswer> {
  using client = new WebClient(new URL(url));
  return client.post("hello", { ...TERMS, ...terms });
}

Deno.test("a document is posted once, and any answer is one, of so many bytes at the most", async () => {
  await using other = serve(() => new Response("here"));
  const answers: Readonly<Record<string, () => Response>> = {
    "/ok": () => new Response("x".repeat(100)),
    "/long": () => new Response("x".repeat(101)),
    "/busy": () => new Response(null, { status: 503, headers: { "retry-after": "7" } }),
    "/away": () => new Response(null, { status: 307, headers: { location: other.url } }),
  };
  const bodies: string[] = [];
  await using server = serve(async (request) => {
    bodies.push(`${request.method} ${request.headers.get("content-type")} ${await request.text()}`);
    return answers[new URL(request.url).pathname]();
  });
  const ok = await post(`${server.url}/ok`);
  assertEquals([ok.status, ok.bytes?.length, ok.retryAfter], [200, 100, 0]);
  assertEquals((await post(`${server.url}/long`)).bytes, undefined);
  const busy = await post(`${server.url}/busy`);
  assertEquals([busy.status, busy.retryAfter], [503, 7000]);
  assertEquals((await post(`${server.url}/away`)).status, 307);
  assertEquals([bodies.length, new Set(bodies)], [4, new Set(["POST text/xml hello"])]);
  assertEquals(other.requests, []);
});

Deno.test("user and password go to the server that they are for, and are never shown", async () => {
  await using stranger = serve(() => new Response("bytes"));
  await using server = serve(() => new Response("answer"));
  const url = new URL(server.url);
  url.username = "node";
  url.password = "s3cret";
  using client = new WebClient(url);
  assertEquals(client.name, `${server.url}/`);
  await client.post("hello", TERMS);
  await (await client.open(new URL(`${stranger.url}/file`), 0)).stream.cancel();
  await (await client.open(new URL(`${server.url}/file`), 0)).stream.cancel();
  const sent = `Basic ${btoa("node:s3cret")}`;
  assertEquals(server.requests.map(({ headers }) => headers.get("authorization")), [sent, sent]);
  assertEquals(stranger.requests[0].headers.has("authorization"), false);

  using lost = new WebClient(new URL(`http://node:s3cret@127.0.0.1:${closedPort()}/?key=s3cret`));
  const error = await assertRejects(() => lost.post("hello", TERMS), SourceInterrupted);
  assertEquals(error.message.includes("s3cret"), false, error.message);
  assertThrows(() => new WebClient(new URL("file:///etc/passwd")), UpdateError, "file:");
});

Deno.test("an answer that does not come, or not to its end, is waited for so long", async () => {
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  await using silent = serve(() => never);
  await using slow = serve(() => {
    let timer = 0;
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        timer = setInterval(() => controller.enqueue(new Uint8Array(1)), 100);
      },
      cancel: () => clearInterval(timer),
    });
    return new Response(stream);
  });
  for (const { url } of [silent, slow]) {
    await assertRejects(() => post(url, { seconds: 0.5 }), SourceInterrupted);
  }
  resolve(new Response());
});

Deno.test("a private authority is trusted where it is named, and nowhere else", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const authority = await Authority.create(directory);
    const issued = await authority.issue("server");
    const [cert, key, ca] = await Promise.all(
      [issued.certificate, issued.key, authority.certificate].map((path) =>
        Deno.readTextFile(path)
      ),
    );
    await using server = serve(() => new Response("answer"), { cert, key });
    const { url } = server;
    using client = new WebClient(new URL(url), { tls: { caCerts: [ca] } });
    assertEquals((await client.post("hello", TERMS)).status, 200);
    const error = await assertRejects(() => post(url), UpdateError);
    assertEquals(error.code, "source");
    assertStringIncludes(error.advice, "--ca-file");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
