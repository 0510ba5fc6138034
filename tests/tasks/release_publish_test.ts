import { assertEquals, assertRejects } from "@std/assert";
import { publishFiles } from "../../tasks/release_publish.ts";
import { inScratch } from "../in_scratch.ts";

/** What a forge was asked for, and answers: GitHub's address for uploads is a template, Gitea's is not. */
async function onForge(
  template: string,
  body: (forge: string, asked: string[]) => Promise<void>,
  refuse = "",
): Promise<void> {
  const asked: string[] = [];
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const { pathname, search, origin } = new URL(request.url);
      asked.push(`${request.method} ${pathname}${search} ${await request.text()}`);
      if (request.headers.get("authorization") !== "token secret") {
        return new Response("who?", {
          status: 401,
        });
      }
      if (refuse && search.includes(refuse)) return new Response("too large", { status: 413 });
      const url = `${origin}/repos/o/r/releases/7`;
      return Response.json({ url, upload_url: `${url}/assets${template}`, html_url: "page" }, {
        status: 201,
      });
    },
  );
  await body(`http://127.0.0.1:${server.addr.port}`, asked);
}

const release = (api: string, token = "secret") => ({ api, repository: "o/r", token });

for (const [forge, template] of [["GitHub", "{?name,label}"], ["Gitea", ""]]) {
  Deno.test(`a release is a draft on ${forge} until all its files are there`, async () => {
    await inScratch(async (scratch) => {
      await Deno.writeTextFile(`${scratch}/b`, "two");
      await Deno.writeTextFile(`${scratch}/a c`, "one");
      await onForge(template, async (api, asked) => {
        assertEquals(await publishFiles(release(api), scratch, "v1.0.0"), "page");
        assertEquals(asked, [
          'POST /repos/o/r/releases {"tag_name":"v1.0.0","name":"v1.0.0","draft":true}',
          "POST /repos/o/r/releases/7/assets?name=a%20c one",
          "POST /repos/o/r/releases/7/assets?name=b two",
          'PATCH /repos/o/r/releases/7 {"draft":false}',
        ]);
      });
    });
  });
}

Deno.test("a forge that refuses a file leaves a draft, and its words", async () => {
  await inScratch(async (scratch) => {
    await Deno.writeTextFile(`${scratch}/a`, "one");
    await onForge("", async (api, asked) => {
      const publishing = publishFiles(release(api), scratch, "v1.0.0");
      await assertRejects(() => publishing, Error, "413 Payload Too Large\ntoo large");
      assertEquals(asked.length, 2);
      const stranger = publishFiles(release(api, "other"), scratch, "v1.0.0");
      await assertRejects(() => stranger, Error, "401 Unauthorized\nwho?");
    }, "name=a");
  });
});
