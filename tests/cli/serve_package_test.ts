import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { parseResponse, writeRequest } from "../../mod/omaha/mod.ts";
import { ended, Sandbox } from "../sandbox.ts";
import { complaintOf } from "./_aftermath.ts";
import { SpeakingProcess } from "./_speaking_process.ts";

const SIZE = 3_000_000;
const UPDATE_ENGINE = { "content-type": "text/xml", "accept-encoding": "gzip" };

/** `serve-package` in a directory of the sandbox, on any free port. */
class Server extends SpeakingProcess {
  constructor(sandbox: Sandbox, directory: string, ...args: string[]) {
    super(inDirectory(sandbox, directory, ...args, "--listen-address", "localhost:0"));
  }

  /** Where it listens. */
  get url(): Promise<string> {
    return this.waitFor(/at (http:\S+)\/v1\/update\/ …\n/).then((match) => match[1]);
  }
}

function inDirectory(sandbox: Sandbox, directory: string, ...args: string[]): Deno.ChildProcess {
  const script = 'cd "$1"; shift; exec "$@"';
  return sandbox.start(
    "sh",
    "-c",
    script,
    "sh",
    directory,
    sandbox.agent,
    "serve-package",
    ...args,
  );
}

function asks(version: string): string {
  const app = { appid: "{e96281a6-d1af-4bde-9a0a-97b76e56dc57}", version, track: "stable" };
  return writeRequest({
    os: { platform: "CoreOS", version: "Chateau" },
    apps: [{ ...app, ping: { active: 1 }, updatecheck: {}, events: [] }],
  });
}

Deno.test("serve-package offers update.gz of the current directory, and serves it", async () => {
  await using sandbox = await Sandbox.create();
  await sandbox.sh(`
    mkdir /run/work; cd /run/work; head -c ${SIZE} /dev/urandom >update.gz; cp update.gz other.gz
  `);
  const sum = async (kind: string) =>
    (await sandbox.sh(`${kind}sum /run/work/other.gz`)).split(" ")[0];
  const args = ["--package-file", "update.gz", "--package-version", "2.0.0"];
  await using server = new Server(sandbox, "/run/work", ...args);
  const url = await server.url;
  assertMatch(url, /^http:\/\/127\.0\.0\.1:\d+$/);

  const body = asks("1.0.0");
  const answer = await fetch(`${url}/v1/update/`, { method: "POST", body, headers: UPDATE_ENGINE });
  assertEquals(answer.status, 200);
  const { apps: [{ updatecheck }] } = parseResponse(await answer.text());
  const [{ packages: [{ name, hash, hash_sha256, size }] }] = updatecheck?.manifests ?? [];
  const hex = (base64 = "") =>
    [...atob(base64)].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  assertEquals([size, hex(hash), hex(hash_sha256)], [SIZE, await sum("sha1"), await sum("sha256")]);
  const where = `${updatecheck?.urls[0]}${name}`;
  assertEquals(where, `${url}/packages/update.gz`);

  const whole = await fetch(where);
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const bytes = await whole.bytes();
  assertEquals(sha256(bytes), await sum("sha256"));
  const etag = whole.headers.get("etag") ?? "";
  const rest = await fetch(where, { headers: { range: "bytes=1000000-", "if-range": etag } });
  assertEquals([rest.status, rest.headers.get("content-length")], [206, "2000000"]);
  assertEquals(sha256(await rest.bytes()), sha256(bytes.subarray(1_000_000)));
  const known = await fetch(where, {
    headers: { "if-modified-since": whole.headers.get("last-modified") ?? "" },
  });
  assertEquals([known.status, await known.text()], [304, ""]);
  const tooLong = await oversized(url);
  assertMatch(tooLong, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assertMatch(tooLong, /\r\nconnection: close\r\n/i);

  assertStringIncludes(server.said, "127.0.0.1 runs 1.0.0, and is offered 2.0.0 …\n");
  assertMatch(server.said, /\n127\.0\.0\.1:\d+ has 100 % of 2\.86 MiB …\n/);

  await sandbox.sh("echo more >>/run/work/update.gz");
  const changed = await fetch(where);
  assertEquals([changed.status, await changed.text()], [500, "The package cannot be read\n"]);
  assertStringIncludes(server.said, "gets nothing: update.gz has changed since it was hashed …\n");
  assertEquals((await server.end("SIGTERM")).code, 0);
});

/** What comes back, until the server closes, for a request that says it is too long. */
async function oversized(url: string): Promise<string> {
  const { port } = new URL(url);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const length = (1 << 20) + 1;
  const head = `POST /v1/update HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n`;
  const request = new TextEncoder().encode(head + " ".repeat(length));
  for (let at = 0; at < request.length;) at += await connection.write(request.subarray(at));
  let text = "";
  try {
    for await (const chunk of connection.readable) text += new TextDecoder().decode(chunk);
  } catch {
    // closed with bytes of ours unread
  }
  return text;
}

Deno.test("serve-package refuses at once what it cannot serve, and reads no secret", async () => {
  await using sandbox = await Sandbox.create();
  await sandbox.sh(`
    mkdir /run/work /run/link /run/empty /run/directory
    echo x >/run/work/update.gz; ln -s /etc/shadow /run/link/update.gz
    : >/run/empty/update.gz; mkdir /run/directory/update.gz
    ln -s /etc/shadow /var/lib/kubesolo/link.gz
  `);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const busy = `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const file = ["--package-file", "update.gz"];
  const version = ["--package-version", "2.0.0"];
  const cases: readonly [says: string, directory: string, ...args: string[]][] = [
    ["required option '--package-file <file>' not specified", "/run/work"],
    ["required option '--package-version <version>' not specified", "/run/work", ...file],
    ["no such file; name the file", "/run", ...file, ...version],
    ["update.gz: an empty file", "/run/empty", ...file, ...version],
    ["update.gz: not a file", "/run/directory", ...file, ...version],
    ["update.gz is a link", "/run/link", ...file, ...version],
    ["update.gz is a link", "/run/link", "--package-file", "./update.gz", ...version],
    ["/etc/shadow lies outside of", "/run/work", "--package-file", "/etc/shadow", ...version],
    ["shadow lies outside of", "/etc", "--package-file", "shadow", ...version],
    [
      "a link to /etc/shadow, lies",
      "/run",
      "--package-file",
      "/var/lib/kubesolo/link.gz",
      ...version,
    ],
    ['"v2.0.0" is no semantic version', "/run/work", ...file, "--package-version", "v2.0.0"],
    ['"2.0" is no semantic version', "/run/work", ...file, "--package-version", "2.0"],
    [`listening at ${busy}: Address`, "/run/work", ...file, ...version, "--listen-address", busy],
    ['reading --listen-address: "x"', "/run/work", ...file, ...version, "--listen-address", "x"],
  ];
  for (const [says, directory, ...args] of cases) {
    const ran = await ended(inDirectory(sandbox, directory, ...args));
    assertEquals([ran.code, ran.stdout], [2, ""], ran.stderr);
    assertStringIncludes(complaintOf(ran), says);
    assert(!ran.stderr.includes("root:"), ran.stderr);
  }
  listener.close();
});
