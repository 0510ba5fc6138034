import { assert, assertEquals } from "@std/assert";
import { transfer } from "../../mod/core/mod.ts";
import { HttpSource } from "../../mod/http/mod.ts";
import { pattern, RecordedReporter, RecordedSink } from "../core/_recorded_sink.ts";
import { closedPort, imageJson, recordedSleep } from "./_servers.ts";

const NGINX = "/usr/sbin/nginx";

const absent = await Deno.stat(NGINX).then(() => false, () => true);

const BYTES = pattern(5 << 20);

interface Nginx extends AsyncDisposable {
  readonly url: string;
  readonly directory: string;
  /** Status, range, if-range and bytes sent of the first `count` requests for the image. */
  log(count: number): Promise<string[]>;
}

/** A real nginx on a free port that serves a directory with `latest.json` and `root.img`. */
async function startNginx(): Promise<Nginx> {
  const directory = await Deno.makeTempDir();
  await Deno.chmod(directory, 0o755);
  await Deno.mkdir(`${directory}/www`);
  await Deno.writeTextFile(`${directory}/www/latest.json`, imageJson(BYTES));
  await Deno.writeFile(`${directory}/www/root.img`, BYTES);
  const past = new Date("2026-01-01T00:00:00Z");
  await Deno.utime(`${directory}/www/root.img`, past, past);
  const port = closedPort();
  await Deno.writeTextFile(
    `${directory}/nginx.conf`,
    `
    daemon off; pid ${directory}/pid; error_log ${directory}/error.log; worker_processes 1;
    ${Deno.uid() === 0 ? "user root;" : ""}
    events {}
    http {
      log_format asked '$request_uri $status [$http_range] [$http_if_range] $body_bytes_sent';
      access_log ${directory}/access.log asked;
      client_body_temp_path ${directory}/t1; proxy_temp_path ${directory}/t2;
      fastcgi_temp_path ${directory}/t3; uwsgi_temp_path ${directory}/t4;
      scgi_temp_path ${directory}/t5;
      server { listen 127.0.0.1:${port}; root ${directory}/www; }
    }`,
  );
  const child = new Deno.Command(NGINX, {
    args: ["-c", `${directory}/nginx.conf`, "-e", `${directory}/error.log`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0;; tries++) {
    const answer = await fetch(`${url}/none`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer) break;
    if (tries > 200) throw new Error(await Deno.readTextFile(`${directory}/error.log`));
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    url,
    directory: `${directory}/www`,
    async log(count) {
      // nginx logs a request when it has ended, which is after its client has everything
      for (let tries = 0;; tries++) {
        const text = await Deno.readTextFile(`${directory}/access.log`);
        const lines = text.split("\n").filter((line) => line.startsWith("/root.img"));
        if (lines.length >= count) return lines;
        if (tries > 200) throw new Error(`${lines.length} of ${count} requests were logged`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(directory, { recursive: true });
    },
  };
}

async function download(source: HttpSource, sink: RecordedSink): Promise<void> {
  const { artifacts: [image] } = await source.latest();
  const reporter = new RecordedReporter();
  await transfer(source, image, sink, { reporter, stallSeconds: 5, ...recordedSleep() });
}

Deno.test({
  name: "a download from nginx is whole, and goes on from what an earlier run left",
  ignore: absent, // where nginx is not installed
  async fn() {
    await using nginx = await startNginx();
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
  ignore: absent, // where nginx is not installed
  async fn() {
    await using nginx = await startNginx();
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
  ignore: absent, // where nginx is not installed
  async fn() {
    await using nginx = await startNginx();
    const json = imageJson(BYTES, { image_size: undefined });
    await Deno.writeTextFile(`${nginx.directory}/latest.json`, json);
    const sink = new RecordedSink({ left: BYTES });
    await download(new HttpSource(nginx.url), sink);
    assertEquals([sink.writes, sink.restarts], [0, 0]);
    assert((await nginx.log(1))[0].startsWith("/root.img 416"));
  },
});
