import { assert, assertEquals, assertRejects } from "@std/assert";
import { MAX_PROBE_REDIRECTS, probeCheck } from "../../mod/host/mod.ts";
import { closedPort } from "../http/_servers.ts";

/** A server on a free port of 127.0.0.1, for as long as `body` takes. */
async function serving(
  answer: (request: Request) => Response | Promise<Response>,
  body: (url: string) => Promise<void>,
): Promise<void> {
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, answer);
  try {
    await body(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

function probe(url: string, seconds = 60): Promise<void> {
  return probeCheck(url).run(AbortSignal.timeout(seconds * 1000));
}

for (const status of [200, 202, 204]) {
  Deno.test(`a node that answers ${status} is healthy`, () =>
    serving(() => new Response(null, { status }), (url) => probe(`${url}/healthz`)));
}

for (const status of [304, 401, 404, 500, 503]) {
  Deno.test(`a node that answers ${status} is unhealthy`, () =>
    serving(() => new Response(null, { status }), async (url) => {
      await assertRejects(() => probe(`${url}/healthz`), Error, `/healthz answered ${status}`);
    }));
}

Deno.test("a body without end is not read", () =>
  serving(
    () => new Response(new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(1 << 16)) })),
    (url) => probe(url),
  ));

Deno.test("a node that says nothing is unhealthy in time", () =>
  serving(
    () => new Promise((resolve) => setTimeout(() => resolve(new Response()), 300)),
    async (url) => {
      await assertRejects(() => probe(url, 0.05), Error, "did not answer in time");
    },
  ));

Deno.test("a node on which nothing listens is unhealthy, and no secret shows", async () => {
  const port = closedPort();
  const { message } = await assertRejects(
    () => probe(`http://me:secret@127.0.0.1:${port}/?token=hidden`),
    Error,
    "Connection refused",
  );
  assert(!/secret|hidden/.test(message), message);
});

Deno.test("a redirect on the same host is followed, but not for ever", () =>
  serving((request) => {
    const left = Number(new URL(request.url).pathname.slice(1));
    return left > 0
      ? new Response(null, { status: 302, headers: { location: `/${left - 1}` } })
      : new Response("ok");
  }, async (url) => {
    await probe(`${url}/${MAX_PROBE_REDIRECTS}`);
    await assertRejects(() => probe(`${url}/${MAX_PROBE_REDIRECTS + 1}`), Error, "redirects more");
  }));

Deno.test("a redirect to another host is unhealthy, and not followed", () =>
  serving(() => new Response("ok"), async (elsewhere) => {
    let asked = 0;
    const other = elsewhere.replace("127.0.0.1", "localhost");
    await serving(
      () => {
        asked++;
        return new Response(null, { status: 302, headers: { location: other } });
      },
      async (url) => {
        await assertRejects(() => probe(url), Error, "not this host");
      },
    );
    assertEquals(asked, 1);
  }));
