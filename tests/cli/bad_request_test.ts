import { assert, assertEquals, assertMatch } from "@std/assert";
import { writeRequest } from "../../mod/omaha/mod.ts";
import { Sandbox } from "../sandbox.ts";
import { APP } from "../serve/_directory.ts";
import { putTinyRelease, ServeProcess } from "./_serve_process.ts";

const MEBIBYTE = 1 << 20;

/** Bad requests in all, small ones; most of them on connections that stay. */
const SMALL = 100_000;
const CONNECTIONS = 32;
/** Sent before the first answer of them is waited for. */
const AT_ONCE = 50;

/** What memory may grow by between the first fifth and the end, in kibibytes. */
const MAX_GROWTH = 96 << 10;

const encoder = new TextEncoder();

function post(body: string, headers = "content-type: text/xml\r\n", host = "updates.lan"): string {
  const length = encoder.encode(body).length;
  return `POST /v1/update/ HTTP/1.1\r\nhost: ${host}\r\n${headers}content-length: ${length}\r\n\r\n${body}`;
}

function get(path: string, headers = "host: updates.lan\r\n"): string {
  return `GET ${path} HTTP/1.1\r\n${headers}\r\n`;
}

const APPLICATION = `<app appid="${APP}" version="1.0.0"><updatecheck/></app>`;
const wrap = (inside: string) => `<request protocol="3.0">${inside}</request>`;

/** Small, and refused: by its status, and without ending the connection. */
const BAD: readonly (readonly [what: string, status: RegExp, request: string])[] = [
  ["nothing", /400/, post("")],
  ["half a document", /400/, post('<request protocol="3.0"><app')],
  ["no XML", /400/, post("{}")],
  ["a wrong root", /400/, post('<response protocol="3.0"/>')],
  ["another protocol", /400/, post('<request protocol="2.0"/>')],
  ["no protocol", /400/, post("<request/>")],
  ["no application", /400/, post(wrap(""))],
  ["an unknown application", /400/, post(wrap('<app appid="x"><ping/></app>'))],
  ["XML 1.1", /400/, post(`<?xml version="1.1"?>${wrap(APPLICATION)}`)],
  ["another encoding", /400/, post(`<?xml version="1.0" encoding="latin1"?>${wrap(APPLICATION)}`)],
  ["another charset", /400/, post(wrap(APPLICATION), "content-type: text/xml; charset=utf-16\r\n")],
  ["another type", /400/, post(wrap(APPLICATION), "content-type: text/html\r\n")],
  ["an attribute without quotes", /400/, post("<request protocol=3.0></request>")],
  ["a control character", /400/, post(wrap(`<app appid="\x01"/>`))],
  [
    "a billion laughs",
    /400/,
    post(
      `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "${"ha".repeat(50)}">${
        Array.from({ length: 9 }, (_, i) =>
          `<!ENTITY ${"bcdefghij"[i]} "${`&${"abcdefghi"[i]};`.repeat(10)}">`).join("")
      }]>${wrap('<app appid="&j;"/>')}`,
    ),
  ],
  [
    "an external entity",
    /400/,
    post(`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${wrap('<app appid="&x;"/>')}`),
  ],
  [
    "an external document type",
    /400/,
    post(`<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd">${wrap('<app appid="x"/>')}`),
  ],
  ["depth", /400/, post(wrap("<a>".repeat(500) + "</a>".repeat(500)))],
  ["a host with a path", /400/, post(wrap(APPLICATION), "", "evil.example/x")],
  ["a host with markup", /400/, post(wrap(APPLICATION), "", 'x"><script>')],
  ["out of the directory", /404/, get("/../../../etc/passwd")],
  ["out of it, escaped", /404/, get("/%2e%2e/%2e%2e/etc/passwd")],
  ["out of it, as one name", /404/, get("/..%2f..%2fetc%2fpasswd")],
  ["a zero byte", /404/, get("/latest.json%00.txt")],
  ["a package elsewhere", /404/, get("/packages/..%2f..%2f/vmlinuz")],
  ["a package of nothing", /404/, get("/packages/2.0.0-0000000000000000/vmlinuz")],
  ["a bad range", /200/, get("/vmlinuz", "host: x\r\nrange: bytes=9-1,x-\r\n")],
  ["a range beyond", /416/, get("/vmlinuz", "host: x\r\nrange: bytes=999999-\r\n")],
  ["a repository that is none here", /404/, get("/v2/os/blobs/sha256:..")],
  ["a bad repository", /400/, get("/v2/..%2f../manifests/x")],
  ["a method", /405/, `DELETE /vmlinuz HTTP/1.1\r\nhost: x\r\n\r\n`],
  [
    "a method of the registry",
    /405/,
    `PUT /v2/os/manifests/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx`,
  ],
];

/** Large ones, fewer of them; the connection may end. */
const LARGE: readonly (readonly [what: string, request: string])[] = [
  ["a mebibyte and a byte", post(" ".repeat(MEBIBYTE + 1))],
  ["a mebibyte of text", post(wrap(`<app appid="x">${"x".repeat(MEBIBYTE - 100)}</app>`))],
  ["10,000 applications", post(wrap('<app appid="x"><ping/></app>'.repeat(10_000)))],
  ["100,000 elements", post(wrap("<a/>".repeat(100_000)))],
  ["a depth of 50,000", post(wrap("<a>".repeat(50_000)))],
  [
    "50,000 attributes",
    post(wrap(`<app ${Array.from({ length: 50_000 }, (_, i) => `a${i}=""`).join(" ")}/>`)),
  ],
  [
    "20,000 pieces of a byte",
    post("", "content-type: text/xml\r\ntransfer-encoding: chunked\r\n")
      .replace("content-length: 0\r\n", "") + "1\r\n \r\n".repeat(20_000) + "0\r\n\r\n",
  ],
  ["an attribute of a mebibyte", post(wrap(`<app appid="${"x".repeat(MEBIBYTE - 200)}"/>`))],
];

/** One connection, and how many answers of which status have come over it. */
class Line implements Disposable {
  readonly #connection: Deno.Conn;
  #left = "";

  private constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<Line> {
    return new Line(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** The status lines of the next `count` answers; fewer where the server has closed. */
  async answers(count: number): Promise<string[]> {
    const lines: string[] = [];
    const buffer = new Uint8Array(64 << 10);
    while (true) {
      const found = [...this.#left.matchAll(/HTTP\/1\.1 (\d{3}[^\r]*)\r\n[^]*?\r\n\r\n/g)];
      lines.push(...found.map(([, line]) => line));
      const last = found.at(-1);
      // what follows the last head is a body, or the beginning of the next head
      if (last) this.#left = this.#left.slice(last.index + last[0].length);
      if (lines.length >= count) return lines;
      const read = await this.#connection.read(buffer).catch(() => null);
      if (read === null) return lines;
      this.#left += new TextDecoder("latin1").decode(buffer.subarray(0, read));
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** Resident memory, in kibibytes. */
async function memoryOf(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await Deno.readTextFile(`/proc/${pid}/status`))?.[1]);
}

Deno.test("100,000 bad requests change nothing: serve stays up, and its memory flat", async () => {
  await using sandbox = await Sandbox.create();
  await putTinyRelease(sandbox, "2.0.0");
  await using server = new ServeProcess(sandbox);
  const url = await server.url;
  const port = Number(new URL(url).port);
  await server.waitFor("/ offers 2.0.0");

  for (const [what, status, request] of BAD) {
    using line = await Line.open(port);
    await line.send(encoder.encode(request));
    assertMatch((await line.answers(1)).join(), status, what);
  }
  for (const [what, request] of LARGE) {
    using line = await Line.open(port);
    // the server may answer, and close, before all of it has been sent
    await line.send(encoder.encode(request)).catch(() => {});
    const [answer = "closed"] = await line.answers(1);
    assertMatch(answer, /^400|closed/, what);
  }

  // half requests, left open for as long as the rest takes
  const halves = await Promise.all(Array.from({ length: 200 }, () => Line.open(port)));
  for (const [at, line] of halves.entries()) {
    const [, , request] = BAD[at % BAD.length];
    await line.send(encoder.encode(request.slice(0, request.length / 2)));
  }

  const began = performance.now();
  let [sent, answered, firstFifth, most] = [0, 0, 0, 0];
  const batch = encoder.encode(
    Array.from({ length: AT_ONCE }, (_, i) => BAD[i % BAD.length][2]).join(""),
  );
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    using line = await Line.open(port);
    while (sent < SMALL) {
      sent += AT_ONCE;
      await line.send(batch);
      const answers = await line.answers(AT_ONCE);
      assertEquals(answers.length, AT_ONCE, "a connection was closed");
      assertEquals(answers.filter((status) => /^5/.test(status)), []);
      answered += answers.length;
      if (answered % (SMALL / 20) >= AT_ONCE) continue;
      const memory = await memoryOf(server.pid);
      if (answered <= SMALL / 5) firstFifth = Math.max(firstFifth, memory);
      most = Math.max(most, memory);
    }
  }));
  const seconds = (performance.now() - began) / 1000;
  for (const [, request] of Array.from({ length: 5 }, () => LARGE).flat()) {
    using line = await Line.open(port);
    await line.send(encoder.encode(request)).catch(() => {});
    answered += (await line.answers(1)).length;
  }
  for (const line of halves) line[Symbol.dispose]();
  const end = await memoryOf(server.pid);
  console.log(
    `${answered} bad requests, the small ones in ${seconds.toFixed(0)} s; memory ${
      firstFifth >> 10
    } MiB ` +
      `after a fifth, at most ${most >> 10}, ${end >> 10} at the end`,
  );
  assert(answered >= SMALL);
  assert(Math.max(most, end) - firstFifth < MAX_GROWTH, `${firstFifth} to ${most}, ${end} kiB`);

  const body = writeRequest({
    os: { arch: "x64" },
    apps: [{ appid: APP, version: "1.0.0", updatecheck: {}, events: [] }],
  });
  const headers = { "content-type": "text/xml" };
  const good = await fetch(`${url}/v1/update/`, { method: "POST", headers, body });
  assertMatch(await good.text(), /updatecheck status="ok"/);
  assertEquals((await server.end("SIGTERM")).code, 0);
});
