import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { errorCodeOf } from "../../mod/omaha/mod.ts";
import { pattern, RecordedSink, sha256 } from "../core/_recorded_sink.ts";
import { serve, serveRaw } from "../http/_servers.ts";
import {
  base64,
  Fleet,
  FleetNode,
  manifestXml,
  offerXml,
  packageXml,
  responseXml,
} from "./_fleet.ts";
import { fleetWithPair, INITRAMFS, KERNEL } from "./_offered_pair.ts";

Deno.test("all codebases are tried in turn", async () => {
  await using other = new Fleet("");
  other.files.set("/vmlinuz", KERNEL);
  const dead = "http://127.0.0.1:1/";
  await using fleet = fleetWithPair([dead, "/nothing/", "/files/"]);
  using node = new FleetNode(fleet.url);
  const release = await node.latest();
  assertEquals(await node.fetch(release!.artifacts[0]), sha256(KERNEL));
  assertEquals(fleet.fetched, ["/nothing/vmlinuz", "/files/vmlinuz"]);

  await using none = fleetWithPair(["/a/", "/b/"]);
  using lost = new FleetNode(none.url);
  const [artifact] = (await lost.latest())!.artifacts;
  const error = await assertRejects(() => lost.fetch(artifact), UpdateError);
  assertEquals([error.code, errorCodeOf(error)], ["source", 2404]);
  assertEquals(none.fetched, ["/a/vmlinuz", "/b/vmlinuz"]);
});

Deno.test("a codebase that sends wrong bytes is left for the next one; the last one's are refused", async () => {
  const wrong = KERNEL.slice();
  wrong[wrong.length - 1] ^= 1;
  for (const [bytes, errorcode] of [[wrong, 10], [KERNEL.slice(1), 11], [pattern(300_001), 11]]) {
    await using fleet = fleetWithPair(["/bad/", "/files/"]);
    fleet.files.set("/bad/vmlinuz", bytes as Uint8Array<ArrayBuffer>);
    using node = new FleetNode(fleet.url);
    const [kernel] = (await node.latest())!.artifacts;
    const sink = new RecordedSink();
    assertEquals(await node.fetch(kernel, sink), kernel.sha256);
    assertEquals(fleet.fetched, ["/bad/vmlinuz", "/files/vmlinuz"]);
    assertEquals(sink.restarts, errorcode === 10 ? 1 : 0);

    fleet.files.set("/files/vmlinuz", bytes as Uint8Array<ArrayBuffer>);
    using again = new FleetNode(fleet.url);
    await again.latest();
    const error = await assertRejects(() => again.fetch(kernel), UpdateError);
    assertEquals([error.code, errorCodeOf(error)], ["verification", errorcode], error.message);
  }
});

Deno.test("more bytes than were promised are too many, also where nobody has said how many come", async () => {
  await using files = serve(() => new Response(new Blob([KERNEL, KERNEL]).stream()));
  await using fleet = fleetWithPair([`${files.url}/`]);
  using node = new FleetNode(fleet.url);
  const [kernel] = (await node.latest())!.artifacts;
  const error = await assertRejects(() => node.fetch(kernel), UpdateError);
  assertEquals([error.code, errorCodeOf(error)], ["verification", 11], error.message);
});

Deno.test("a SHA-1 that lies is found, also over two connections", async () => {
  const lie = packageXml("root.img", KERNEL, { hash: base64(INITRAMFS, "sha1") });
  let count = 0;
  await using files = serveRaw(async ({ head, send }) => {
    const from = Number(/range: bytes=(\d+)-/.exec(head)?.[1] ?? 0);
    const part = KERNEL.subarray(from, count++ === 0 ? 100_000 : undefined);
    const range = `content-range: bytes ${from}-${KERNEL.length - 1}/${KERNEL.length}\r\n`;
    await send(
      `HTTP/1.1 ${from ? `206 x\r\n${range}` : "200 OK\r\n"}etag: "a"\r\n` +
        `content-length: ${KERNEL.length - from}\r\n\r\n`,
    );
    await send(part);
  });
  await using fleet = new Fleet(
    responseXml(offerXml([files.url], [manifestXml("2.0.0", [lie])])),
  );
  using node = new FleetNode(fleet.url);
  const [image] = (await node.latest())!.artifacts;
  const error = await assertRejects(() => node.fetch(image), UpdateError);
  assertEquals([error.code, errorCodeOf(error), count], ["verification", 10, 2], error.message);
  assertMatch(error.found, /^SHA-1 /);
});

Deno.test("what an earlier run has fetched is gone on with", async () => {
  await using fleet = fleetWithPair();
  using node = new FleetNode(fleet.url);
  const [kernel] = (await node.latest())!.artifacts;
  const sink = new RecordedSink({ left: KERNEL.subarray(0, 1000) });
  assertEquals(await node.fetch(kernel, sink), kernel.sha256);
  assertEquals([sink.bytes.length, sink.restarts], [KERNEL.length, 0]);
});
