import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NEW_STATE } from "../../mod/core/mod.ts";
import { MAX_PARALLEL_REQUESTS, metricsHandler, type NodeReading } from "../../mod/metrics/mod.ts";

const READING: NodeReading = {
  agent: { version: "0.1.0", architecture: "x86_64", runtime: "2.7.11" },
  state: NEW_STATE,
  problems: { memory: '<script>alert("&")</script>' },
};

const handle = metricsHandler(() => Promise.resolve(READING));

function get(path: string, init: RequestInit = {}): Promise<Response> {
  return handle(new Request(`http://127.0.0.1:9100${path}`, init));
}

Deno.test("the format is the one that is accepted, and the same is said of it in both ways", async () => {
  const text = await get("/metrics");
  assertEquals(text.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assertEquals(text.headers.get("cache-control"), "no-store");
  assertStringIncludes(await text.text(), "# TYPE kubesolo_update_attempts_total counter\n");
  const open = await get("/metrics?x=1", {
    headers: { accept: "application/openmetrics-text;version=1.0.0" },
  });
  assertMatch(
    open.headers.get("content-type") ?? "",
    /^application\/openmetrics-text; version=1.0.0/,
  );
  const body = await open.text();
  assertStringIncludes(body, "# TYPE kubesolo_update_attempts counter\n");
  assert(body.endsWith("\n# EOF\n"));
});

Deno.test("HEAD says what GET would, without a body; nothing else is taken", async () => {
  for (const path of ["/metrics", "/healthz", "/"]) {
    const [head, full] = [await get(path, { method: "HEAD" }), await get(path)];
    assertEquals([head.status, full.status], [200, 200]);
    assertEquals(await head.text(), "");
    const bytes = await full.bytes();
    assertEquals(head.headers.get("content-length"), String(bytes.length));
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const refused = await get("/metrics", { method });
    assertEquals([refused.status, refused.headers.get("allow")], [405, "GET, HEAD"]);
  }
  assertEquals((await get("/metrics/")).status, 404);
  assertEquals((await get("/../etc/passwd")).status, 404);
});

Deno.test("the page links to the metrics, and what it quotes is text", async () => {
  const page = await (await get("/")).text();
  assertStringIncludes(page, 'href="/metrics"');
  assertStringIncludes(page, 'href="/healthz"');
  assertStringIncludes(page, "memory: &#60;script&#62;");
  assert(!page.includes("<script"));
});

Deno.test("an exporter that cannot read is not healthy, and says why", async () => {
  const broken = metricsHandler(() => Promise.reject(new Error("out of files")));
  for (const path of ["/healthz", "/metrics"]) {
    const answer = await broken(new Request(`http://127.0.0.1${path}`));
    assertEquals([answer.status, await answer.text()], [
      503,
      "the exporter does not work: out of files\n",
    ]);
  }
});

Deno.test("so many requests are answered at once, and the rest is sent away", async () => {
  const gate = Promise.withResolvers<NodeReading>();
  const slow = metricsHandler(() => gate.promise);
  const ask = () => slow(new Request("http://127.0.0.1/metrics"));
  const first = Array.from({ length: MAX_PARALLEL_REQUESTS }, ask);
  const tooMany = await ask();
  assertEquals([tooMany.status, tooMany.headers.get("retry-after")], [503, "1"]);
  gate.resolve(READING);
  assertEquals((await Promise.all(first)).map(({ status }) => status), first.map(() => 200));
  assertEquals((await ask()).status, 200);
});
