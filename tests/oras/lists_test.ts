import { assertEquals } from "@std/assert";
import { IMAGE_INDEX, MAX_LISTED, MAX_PAGES } from "../../mod/oras/mod.ts";
import { serve } from "../http/_servers.ts";
import { blob, image, noise, pushAll } from "./_artifacts.ts";
import { TokenRegistry } from "./_token_registry.ts";
import { at, fails, MANIFEST, open } from "./_repository.ts";

Deno.test("tags come in pages, and are sorted", async () => {
  await using registry = new TokenRegistry({ page: 2 });
  const repository = open(registry);
  const { descriptor } = await pushAll(repository, image(blob(noise(10))));
  for (const tag of ["b", "a", "B", "c", "_"]) await repository.tag(descriptor, tag);
  assertEquals(await repository.tags(), ["B", "_", "a", "b", "c"]);
});

Deno.test("lists that never end, lead elsewhere or are none are refused", async () => {
  const list = (link: string) => () => Response.json({ tags: ["a"] }, { headers: { link } });
  await using endless = serve(list('</v2/os/tags/list>; rel="next"'));
  await fails("protocol", () => open(at(endless)).tags(), `more than ${MAX_PAGES} pages`);
  assertEquals(endless.requests.length, MAX_PAGES);
  await using elsewhere = serve(list(`<${endless.url}/>; rel=next`));
  await fails("protocol", () => open(at(elsewhere)).tags(), "another server");
  await using other = serve(list('</v2/os/tags/list>; rel="previous"'));
  assertEquals(await open(at(other)).tags(), ["a"]);
  const bad = [{ tags: ["../x"] }, { tags: [7] }, { tags: 7 }, [], {
    tags: Array(MAX_LISTED + 1).fill("a"),
  }];
  for (const body of bad) {
    await using server = serve(() => Response.json(body));
    await fails("content", () => open(at(server)).tags());
  }
  await using none = serve(() => Response.json({ tags: null }));
  assertEquals(await open(at(none)).tags(), []);
  await using large = serve(() => new Response(new Uint8Array(5 << 20)));
  await fails("protocol", () => open(at(large)).tags(), "a page of more");
});

for (const api of [true, false]) {
  const where = api ? "by the registry" : "under a tag";
  Deno.test(`what refers to a manifest is listed ${where}, by type`, async () => {
    await using registry = new TokenRegistry({ referrers: api, page: 2, tokenSeconds: 60 });
    const repository = open(registry);
    const subject = await pushAll(repository, image(blob(noise(10))));
    const types = ["a/a", "b/b", "a/a"];
    const pushed = [];
    for (const [i, artifactType] of types.entries()) {
      const changes = { subject: subject.descriptor, artifactType, annotations: { i: `${i}` } };
      pushed.push(await pushAll(repository, image(blob(noise(10)), changes)));
    }
    const digests = pushed.map(({ descriptor }) => descriptor.digest);
    const listed = await repository.referrers(subject.descriptor);
    assertEquals(listed.map(({ digest }) => digest), digests);
    assertEquals(listed.map(({ annotations }) => annotations?.i), ["0", "1", "2"]);
    const some = await repository.referrers(subject.descriptor, "a/a");
    assertEquals(some.map(({ digest }) => digest), [digests[0], digests[2]]);
    const tag = subject.descriptor.digest.replace(":", "-");
    assertEquals(registry.tags.has(`os:${tag}`), !api);
    // once more changes nothing
    const index = registry.tags.get(`os:${tag}`);
    await repository.push(pushed[0].descriptor, pushed[0].bytes);
    assertEquals((await repository.referrers(subject.descriptor)).length, 3);
    assertEquals(registry.tags.get(`os:${tag}`), index);
    await repository.deleteManifest(digests[1]);
    const left = await repository.referrers(subject.descriptor);
    assertEquals(left.map(({ digest }) => digest), [digests[0], digests[2]]);
    assertEquals(registry.tags.has(`os:${tag}`), !api);
  });
}

Deno.test("referrers that are no index are refused", async () => {
  const { descriptor } = MANIFEST;
  await using server = serve(() => Response.json({ manifests: [] }));
  await fails("protocol", () => open(at(server)).referrers(descriptor), "no index");
  for (const manifests of [7, [7], [{}], [{ mediaType: "a/b", size: 1, digest: "sha256:x" }]]) {
    await using bad = serve(() =>
      Response.json({ manifests }, { headers: { "content-type": IMAGE_INDEX } })
    );
    await fails("content", () => open(at(bad)).referrers(descriptor));
  }
});
