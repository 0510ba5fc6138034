import { assertEquals, assertRejects } from "@std/assert";
import { describe, OrasError, RegistryClient, Repository } from "../../mod/oras/mod.ts";
import { Authority } from "../certificates.ts";
import { serve } from "../http/_servers.ts";
import { problem } from "./_token_registry.ts";

const ROOT = new URL("../../", import.meta.url);

/** What a registry over https that answers like this is asked for, by a client that trusts it. */
async function overHttps(
  answer: (request: Request) => Response,
  act: (repository: Repository) => Promise<unknown>,
): Promise<OrasError> {
  const directory = await Deno.makeTempDir();
  try {
    const authority = await Authority.create(directory);
    const { certificate, key } = await authority.issue("registry");
    await using server = serve(answer, {
      cert: await Deno.readTextFile(certificate),
      key: await Deno.readTextFile(key),
    });
    const ca = await Deno.readTextFile(authority.certificate);
    using httpClient = Deno.createHttpClient({ caCerts: [ca] });
    const client = new RegistryClient({ httpClient, sleep: () => Promise.resolve() });
    const registry = new URL(server.url).host;
    const repository = new Repository({ registry, repository: "os" }, client);
    return await assertRejects<OrasError>(() => act(repository), OrasError);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("what begins over https does not go on over http: redirects, tokens, uploads, lists", async () => {
  await using plain = serve(() => Response.json({ token: "t", tags: [] }));
  const blob = describe("application/octet-stream", new Uint8Array(1));
  const bytes = new Uint8Array(1);
  const bearer = { "www-authenticate": `Bearer realm="${plain.url}/token"` };
  const started = { status: 202, headers: { location: `${plain.url}/upload` } };
  const cases: [
    string,
    (request: Request) => Response,
    (target: Repository) => Promise<unknown>,
  ][] = [
    ["from https to http", () => Response.redirect(`${plain.url}/x`), (target) => target.tags()],
    ["https was wanted", () => problem(401, "UNAUTHORIZED", bearer), (target) => target.tags()],
    [
      "from https to http",
      ({ method }) =>
        method === "POST" ? new Response(null, started) : problem(404, "BLOB_UNKNOWN"),
      (target) => target.push(blob, bytes),
    ],
    [
      "from https to http",
      () => Response.json({ tags: [] }, { headers: { link: `<${plain.url}/x>; rel="next"` } }),
      (target) => target.tags(),
    ],
  ];
  for (const [message, answer, act] of cases) {
    const error = await overHttps(answer, act);
    assertEquals([error.code, error.message.includes(message)], ["protocol", true], error.message);
  }
  assertEquals(plain.requests.length, 0);
});

/** What a program prints that lists tags, with these variables and no permission to read them. */
async function tagsListedWith(env: Record<string, string>, httpClient: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "--allow-net", "-"],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const program = `
    import { RegistryClient, Repository } from "./mod/oras/mod.ts";
    const client = new RegistryClient({
      plainHttp: true,
      sleep: () => Promise.resolve(),
      httpClient: ${httpClient},
    });
    const reference = { registry: "registry.invalid", repository: "os" };
    const answer = new Repository(reference, client).tags();
    console.log(await answer.then((tags) => tags.join(), (error) => error.code));
  `;
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(program));
  await stdin.close();
  return new TextDecoder().decode((await child.output()).stdout).trim();
}

Deno.test("the environment's proxy is used, and left out where NO_PROXY says so", async () => {
  await using proxy = serve(() => Response.json({ tags: ["by-proxy"] }));
  const env = { HTTP_PROXY: proxy.url };
  assertEquals(await tagsListedWith(env, "undefined"), "by-proxy");
  assertEquals(await tagsListedWith(env, "Deno.createHttpClient({})"), "by-proxy");
  const without = { ...env, NO_PROXY: "registry.invalid" };
  assertEquals(await tagsListedWith(without, "undefined"), "unreachable");
  assertEquals(proxy.requests.length, 2);
});
