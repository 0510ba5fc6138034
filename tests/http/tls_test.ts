import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { HttpSource, type Tls } from "../../mod/http/mod.ts";
import { Authority, type Issued } from "../certificates.ts";
import { pattern } from "../core/_recorded_sink.ts";
import { nginxAbsent, startNginx } from "./_nginx.ts";
import { closedPort, imageJson, recordedSleep, serve } from "./_servers.ts";

const ROOT = new URL("../../", import.meta.url);

/** A `.gz` that nginx marks as encoded, although it is to be taken as it is. */
const PACKED = new Uint8Array(
  await new Response(
    new Blob([pattern(2 << 20)]).stream().pipeThrough(new CompressionStream("gzip")),
  ).arrayBuffer(),
);

async function pem({ certificate, key }: Issued): Promise<{ cert: string; key: string }> {
  return { cert: await Deno.readTextFile(certificate), key: await Deno.readTextFile(key) };
}

async function fetched(source: HttpSource, offset = 0): Promise<Uint8Array> {
  const { artifacts: [image] } = await source.latest();
  const { stream } = await source.open(image, offset);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** What a source says that cannot be had. */
async function complaint(url: string, tls?: Tls): Promise<string> {
  const waits = recordedSleep();
  using source = new HttpSource(url, { tls, ...waits });
  const error = await assertRejects(() => source.latest(), UpdateError);
  assertEquals([error.code, waits.waits], ["source", []], "it would fail the next time as well");
  return error.message;
}

Deno.test({
  name: "nginx with a private authority gives its files to who presents a certificate",
  ignore: nginxAbsent, // where nginx is not installed
  async fn() {
    const directory = await Deno.makeTempDir();
    const [own, others] = [`${directory}/own`, `${directory}/others`];
    for (const name of [own, others]) await Deno.mkdir(name);
    const [authority, stranger] = [await Authority.create(own), await Authority.create(others)];
    const server = await authority.issue("server");
    const stale = await authority.issue("stale", { expired: true });
    const [port, stalePort] = [closedPort(), closedPort()];
    await using nginx = await startNginx((root) => `
      ssl_client_certificate ${authority.certificate};
      server {
        listen 127.0.0.1:${port} ssl; root ${root}; ssl_verify_client on;
        ssl_certificate ${server.certificate}; ssl_certificate_key ${server.key};
        location /root.img.gz { add_header Content-Encoding gzip; }
      }
      server {
        listen 127.0.0.1:${stalePort} ssl; root ${root};
        ssl_certificate ${stale.certificate}; ssl_certificate_key ${stale.key};
      }`);
    await Deno.writeTextFile(
      `${nginx.directory}/latest.json`,
      imageJson(PACKED, { image_url: "root.img.gz" }),
    );
    await Deno.writeFile(`${nginx.directory}/root.img.gz`, PACKED);
    const url = `https://127.0.0.1:${port}`;
    const caCerts = [
      await Deno.readTextFile(stranger.certificate),
      await Deno.readTextFile(authority.certificate),
    ];
    const node = await pem(await authority.issue("node"));

    using source = new HttpSource(url, { tls: { caCerts, ...node } });
    assertEquals(await fetched(source), PACKED);
    assertEquals(await fetched(source, 1000), PACKED.subarray(1000));

    assertStringIncludes(await complaint(url), "UnknownIssuer; trust the authority");
    assertStringIncludes(await complaint(url, { caCerts }), "400 Bad Request; see whether the");
    const foreign = await pem(await stranger.issue("node"));
    assertStringIncludes(await complaint(url, { caCerts, ...foreign }), "--client-cert");
    const late = await complaint(`https://127.0.0.1:${stalePort}`, { caCerts });
    assertStringIncludes(late, "see that the node's clock is right");
    const name = await complaint(`https://localhost:${port}`, { caCerts });
    assertStringIncludes(name, "use the name for which the server's certificate was made");
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test("authorities of one's own come on top of the usual ones", async () => {
  const directory = await Deno.makeTempDir();
  const [own, usual] = [`${directory}/own`, `${directory}/usual`];
  for (const name of [own, usual]) await Deno.mkdir(name);
  const [private_, public_] = [await Authority.create(own), await Authority.create(usual)];
  await using server = serve((request) => {
    const headers = { "content-encoding": "gzip" };
    return request.url.endsWith(".json")
      ? new Response(imageJson(PACKED))
      : new Response(request.method === "HEAD" ? null : PACKED, { headers });
  }, await pem(await public_.issue("server")));
  const program = `
    import { HttpSource } from "./mod/http/mod.ts";
    const caCerts = [await Deno.readTextFile("${private_.certificate}")];
    const source = new HttpSource("${server.url}", { tls: { caCerts } });
    const { artifacts: [image] } = await source.latest();
    const { stream } = await source.open(image, 0);
    console.log((await new Response(stream).arrayBuffer()).byteLength);
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--cert", public_.certificate, program],
    cwd: ROOT,
  }).output();
  assertEquals(
    new TextDecoder().decode(stdout).trim(),
    `${PACKED.length}`,
    new TextDecoder().decode(stderr),
  );
  await Deno.remove(directory, { recursive: true });
});
