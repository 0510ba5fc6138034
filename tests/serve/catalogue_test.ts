import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { Catalogue, DigestBook } from "../../mod/serve/mod.ts";
import { until } from "../until.ts";
import { bytesOf, putRelease, Served } from "./_directory.ts";

Deno.test("a release is offered when it is complete, and not before", async () => {
  await using served = await Served.start((directory) =>
    putRelease(directory, { version: "1.0.0" })
  );
  const stable = `${served.directory}/stable`;
  const state = async () => {
    await served.look();
    const answer = await fetch(`${served.url}/stable/latest.json`);
    return [answer.status, await answer.text()] as const;
  };
  const text = await putRelease(stable, { version: "2.0.0" });
  const bytes = bytesOf("kubesolo-os.gz", "2.0.0");
  await Deno.remove(`${stable}/kubesolo-os.gz`);
  const why = "This release is not offered: kubesolo-os.gz of 2.0.0";
  assertEquals(await state(), [503, `${why} is not there\n`]);
  await Deno.writeFile(`${stable}/kubesolo-os.gz`, bytes.slice(0, 100));
  assertEquals(await state(), [503, `${why} has 100 bytes of ${bytes.length}\n`]);
  // rsync --inplace and others make the whole file first
  await Deno.writeFile(`${stable}/kubesolo-os.gz`, new Uint8Array(bytes.length));
  assertEquals(await state(), [
    503,
    `${why} does not have the SHA-256 that latest.json says\n`,
  ]);
  assertEquals([...served.parts.catalogue.contents.releases.keys()].length, 1, "the other goes on");
  await Deno.writeFile(`${stable}/kubesolo-os.gz`, bytes);
  assertEquals(await state(), [200, text]);
  await Deno.writeTextFile(`${stable}/latest.json`, text.slice(0, -10));
  const [status, broken] = await state();
  assertEquals(status, 503);
  assertMatch(broken, /latest\.json: a JSON object was wanted/);
  await Deno.remove(stable, { recursive: true });
  assertEquals((await state())[0], 404);
});

Deno.test("the directory is looked at again by itself", async () => {
  await using served = await Served.start(() => Promise.resolve());
  const end = new AbortController();
  const watching = served.parts.catalogue.watch(end.signal, () => {});
  assertEquals(
    await fetch(`${served.url}/latest.json`, {}).then((a) => (a.body?.cancel(), a.status)),
    404,
  );
  await putRelease(served.directory, { version: "2.0.0" });
  await until(() => served.parts.catalogue.contents.releases.size > 0);
  end.abort();
  await watching;
});

Deno.test("a moment of too many open files takes no release away", async () => {
  await using served = await Served.start((directory) =>
    putRelease(`${directory}/stable`, { version: "2.0.0" })
  );
  const { catalogue } = served.parts;
  const before = catalogue.contents;
  const { readDir, readFile } = Deno;
  const fails = () => {
    throw new Error("Too many open files (os error 24): readfile 'x'");
  };
  try {
    Deno.readFile = fails;
    await catalogue.look();
    assertEquals(catalogue.contents, before);
    Deno.readDir = fails;
    await catalogue.look();
    assertEquals(catalogue.contents, before);
  } finally {
    Object.assign(Deno, { readDir, readFile });
  }
  await Deno.remove(`${served.directory}/stable/vmlinuz`);
  await served.look();
  assertEquals(catalogue.contents.releases.size, 0);
});

Deno.test("a release on other hosts is served over HTTP as it is, and not over Omaha", async () => {
  await using served = await Served.start(async (directory) => {
    const members = {
      vmlinuz_url: "https://cdn.example/k",
      initramfs_url: "https://cdn.example/i",
    };
    await putRelease(`${directory}/far`, { version: "2.0.0", members });
    await putRelease(`${directory}/half`, {
      version: "3.0.0",
      members: { vmlinuz_url: "http://a.b/k" },
    });
    await putRelease(`${directory}/up`, {
      version: "4.0.0",
      members: { vmlinuz_url: "../../../etc/passwd" },
    });
  });
  const { places, releases } = served.parts.catalogue.contents;
  assertEquals([...places.values()].map(({ name, state, problem }) => [name, state, problem]), [
    ["far", "offered", "its files lie on another host: it is not offered over Omaha"],
    ["half", "incomplete", "some of its files lie on another host"],
    ["up", "incomplete", "vmlinuz of 4.0.0 is not there"],
  ]);
  assertEquals(releases.size, 0);
});

Deno.test("a directory that is none is a usage error", async () => {
  const file = await Deno.makeTempFile();
  for (
    const [path, found] of [[`${file}/x`, "Not a directory"], [
      "/nowhere/at/all",
      "no such directory",
    ], [file, "no directory"]]
  ) {
    const error = await assertRejects(() => Catalogue.open(path, new DigestBook()), UpdateError);
    assertStringIncludes((error as unknown as UpdateError).found, found);
  }
  await Deno.remove(file);
});

Deno.test("signatures are served as they were when the release was looked at", async () => {
  await using served = await Served.start(async (directory) => {
    await putRelease(directory, { version: "2.0.0" });
    await Deno.writeTextFile(`${directory}/latest.json.minisig`, "one");
  });
  const ask = async (name: string) => {
    const answer = await fetch(`${served.url}/${name}`);
    return [answer.status, await answer.text()];
  };
  // a node asks for the other one only where this one is not there
  assertEquals(await ask("latest.json.sig"), [404, "Not found\n"]);
  assertEquals(await ask("latest.json.minisig"), [200, "one"]);
  await Deno.writeTextFile(`${served.directory}/latest.json.minisig`, "two");
  await Deno.writeTextFile(`${served.directory}/latest.json.sig`, "two");
  assertEquals(await ask("latest.json.sig"), [404, "Not found\n"]);
  assertEquals(await ask("latest.json.minisig"), [200, "one"]);
  await served.look();
  assertEquals([await ask("latest.json.sig"), await ask("latest.json.minisig")], [
    [200, "two"],
    [200, "two"],
  ]);
});
