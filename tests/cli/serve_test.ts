import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { writeRequest } from "../../mod/omaha/mod.ts";
import { Sandbox } from "../sandbox.ts";
import { APP } from "../serve/_directory.ts";
import { until } from "../until.ts";
import { complaintOf } from "./_aftermath.ts";
import { putTinyRelease, SERVED as DIR, ServeProcess } from "./_serve_process.ts";
import { SpeakingProcess } from "./_speaking_process.ts";

function asks(version: string, machineid: string): string {
  const app = { appid: APP, machineid, version, track: "stable" };
  return writeRequest({
    os: { platform: "KubeSolo", arch: "x64" },
    apps: [{ ...app, ping: { active: 1 }, updatecheck: {}, events: [] }],
  });
}

Deno.test("serve picks up releases while it runs, and knows its nodes after a restart", async () => {
  await using sandbox = await Sandbox.create();
  await sandbox.sh(`mkdir -p ${DIR}`);
  const check = async (url: string, version: string) => {
    const body = asks(version, "machine-1");
    const headers = { "content-type": "text/xml" };
    const answer = await fetch(`${url}/v1/update/`, { method: "POST", headers, body });
    return /manifest version="([^"]+)"/.exec(await answer.text())?.[1];
  };
  {
    await using server = new ServeProcess(sandbox);
    const url = await server.url;
    await server.waitFor("nothing to serve yet");
    assertEquals(await check(url, "1.0.0"), undefined);
    await putTinyRelease(sandbox, "2.0.0", `${DIR}/stable`);
    await server.waitFor("/stable offers 2.0.0");
    assertEquals(await check(url, "1.0.0"), "2.0.0");
    await server.waitFor("machine-1 runs 1.0.0, and is offered 2.0.0");
    assertEquals((await server.end("SIGTERM")).code, 0);
  }
  assertMatch(await sandbox.sh(`ls ${DIR} ${DIR}/..`), /serve\.sqlite/);
  assertEquals((await sandbox.sh(`ls ${DIR}`)).trim(), "stable", "nothing is written there");
  {
    await using server = new ServeProcess(sandbox);
    const status = await (await fetch(`${await server.url}/status.json`)).json();
    const [node] = status.nodes;
    assertEquals([status.total, node.id, node.phase, node.target], [
      1,
      "machine-1",
      "offered",
      "2.0.0",
    ]);
    assertEquals((await server.end("SIGINT")).code, 0);
  }
  await sandbox.sh(`head -c 9000 /dev/urandom >${DIR}.sqlite`);
  {
    await using server = new ServeProcess(sandbox);
    await server.waitFor("/stable offers 2.0.0");
    assertEquals(await check(await server.url, "1.0.0"), "2.0.0");
    assertStringIncludes(
      server.said,
      `${DIR}.sqlite: file is not a database; it is ${DIR}.sqlite.br`,
    );
    assertEquals((await server.end("SIGTERM")).code, 0);
  }
});

Deno.test("serve that has run out of files listens again, and those it has go on", async () => {
  await using sandbox = await Sandbox.create();
  await putTinyRelease(sandbox, "2.0.0");
  const files = 100;
  const script = `ulimit -n ${files}; exec ${sandbox.agent} serve --listen 127.0.0.1:0`;
  await using server = new SpeakingProcess(sandbox.start("sh", "-c", script));
  const [, url] = await server.waitFor(/ at (http:\S+), over Omaha/);
  await server.waitFor("/ offers 2.0.0");
  const port = Number(new URL(url).port);
  const first = await Deno.connect({ hostname: "127.0.0.1", port });
  const clients = [first];
  await until(async () => {
    try {
      while (true) clients.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    } catch {
      return clients.length > files / 2;
    }
  });
  await first.write(new TextEncoder().encode("GET /status.json HTTP/1.1\r\nhost: x\r\n\r\n"));
  const head = new Uint8Array(64);
  await first.read(head);
  assertStringIncludes(new TextDecoder().decode(head), "HTTP/1.1 200 OK");
  for (const client of clients) client.close();
  await server.waitFor("a connection could not be taken: listening again");
  await until(async () => (await (await fetch(`${url}/latest.json`)).json()).version === "2.0.0");
  assertEquals((await server.end("SIGTERM")).code, 0);
});

Deno.test("serve goes on where its nodes cannot be kept", async () => {
  await using sandbox = await Sandbox.create();
  await putTinyRelease(sandbox, "2.0.0");
  await sandbox.sh(`mkdir ${DIR}.sqlite`);
  await using server = new ServeProcess(sandbox);
  const url = await server.url;
  await server.waitFor("/ offers 2.0.0");
  assertStringIncludes(server.said, "nodes are forgotten when this program ends");
  const latest = await (await fetch(`${url}/latest.json`)).json();
  assertEquals(latest.version, "2.0.0");
});

Deno.test("serve refuses at once what it cannot serve", async () => {
  await using sandbox = await Sandbox.create();
  await sandbox.sh(`
    mkdir -p ${DIR}; ln -s /etc /var/lib/kubesolo/link; touch /var/lib/kubesolo/file
  `);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const busy = `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const cases: readonly [says: string, ...args: string[]][] = [
    ["no such directory; make the directory", "--dir", "/var/lib/kubesolo/none"],
    ["/file: no directory", "--dir", "/var/lib/kubesolo/file"],
    ["/srv lies outside of what this program may read; put the releases below", "--dir", "/srv"],
    ["or run deno task serve from a checkout", "--dir", "/srv/"],
    ["a link to /etc, lies outside", "--dir", "/var/lib/kubesolo/link"],
    ["/etc/shadow lies outside", "--dir", `${DIR}/../../../../etc/shadow`],
    [`listening at ${busy}: Address`, "--listen", busy],
    ['reading --listen: "x"', "--listen", "x"],
    ["lies in the directory that is served", "--database", `${DIR}/nodes.sqlite`],
    ["/tmp/x.sqlite lies outside", "--database", "/tmp/x.sqlite"],
  ];
  for (const [says, ...args] of cases) {
    const ran = await sandbox.update("serve", ...args);
    assertEquals([ran.code, ran.stdout], [2, ""], ran.stderr);
    assertStringIncludes(complaintOf(ran), says);
    assert(!ran.stderr.includes("root:"), ran.stderr);
  }
  assertEquals((await sandbox.sh("ls -d /var/lib/kubesolo/none* || true")).trim(), "");
  listener.close();
});
