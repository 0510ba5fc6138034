import { assert, assertEquals } from "@std/assert";
import { transfer } from "../../mod/core/mod.ts";
import { HttpSource } from "../../mod/http/mod.ts";
import { pattern, RecordedReporter, RecordedSink } from "../core/_recorded_sink.ts";
import { type Nginx, nginxAbsent, startNginx } from "./_nginx.ts";
import { imageJson, recordedSleep } from "./_servers.ts";

const BYTES = pattern(5 << 20);

/** nginx with a `latest.json` and a `root.img`. */
async function startServer(): Promise<Nginx> {
  const nginx = await startNginx();
  await Deno.writeTextFile(`${nginx.directory}/latest.json`, imageJson(BYTES));
  await Deno.writeFile(`${nginx.directory}/root.img`, BYTES);
  const past = new Date("2026-01-01T00:00:00Z");
  await Deno.utime(`${nginx.directory}/root.img`, past, past);
  return nginx;
}

async function download(source: HttpSource, sink: RecordedSink): Promise<void> {
  const { artifacts: [image] } = await source.latest();
  const reporter = new RecordedReporter();
  await transfer(source, image, sink, { reporter, stallSeconds: 5, ...recordedSleep() });
}

Deno.test({
  name: "a download from nginx is whole, and goes on from what an earlier run left",
  ignore: nginxAbsent, // where nginx is not installed
  async fn() {
    await using nginx = await startServer();
    const fresh = new RecordedSink();
    await download(new HttpSource(nginx.url), fresh);
    assertEquals(fresh.bytes, BYTES);

    const begun = new RecordedSink({ left: BYTES.subarray(0, 3 << 20) });
    await download(new HttpSource(nginx.url), begun);
    assertEquals(begun.bytes, BYTES);
    assertEquals(begun.restarts, 0);
    assertEquals((await nginx.log(2))[1], `/root.img 206 [bytes=${3 << 20}-] [-] ${2 << 20}`);
  },
});

Deno.test({
  name: "nginx goes on with the same file, and starts over with another, by If-Range",
  ignore: nginxAbsent, // where nginx is not installed
  async fn() {
    await using nginx = await startServer();
    const source = new HttpSource(nginx.url);
    const { artifacts: [image] } = await source.latest();
    await (await source.open(image, 0)).stream.cancel();

    const same = await source.open(image, 1000);
    assertEquals([same.offset, same.size], [1000, BYTES.length]);
    await same.stream.cancel();

    await Deno.writeFile(`${nginx.directory}/root.img`, new Uint8Array(BYTES.length));
    const changed = await source.open(image, 1000);
    assertEquals([changed.offset, changed.size], [0, BYTES.length]);
    await changed.stream.cancel();

    const asked = (await nginx.log(3)).filter((line) => line.includes("[bytes=1000-]"));
    assertEquals(asked.map((line) => line.slice(10, 13)).sort(), ["200", "206"]);
    const tag = /^\/root\.img (206|200) \[bytes=1000-\] \[\\x22[0-9a-f]+-[0-9a-f]+\\x22\]/;
    for (const line of asked) assert(tag.test(line), line);
  },
});

Deno.test({
  name: "nginx says that nothing is left, and the whole file stays",
  ignore: nginxAbsent, // where nginx is not installed
  async fn() {
    await using nginx = await startServer();
    const json = imageJson(BYTES, { image_size: undefined });
    await Deno.writeTextFile(`${nginx.directory}/latest.json`, json);
    const sink = new RecordedSink({ left: BYTES });
    await download(new HttpSource(nginx.url), sink);
    assertEquals([sink.writes, sink.restarts], [0, 0]);
    assert((await nginx.log(1))[0].startsWith("/root.img 416"));
  },
});
