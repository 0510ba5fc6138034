import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { placeFile, removeFile, setAside } from "../../mod/host/mod.ts";

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await body(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const bytes = (text: string) => new TextEncoder().encode(text);
const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
const namesIn = (directory: string) => [...Deno.readDirSync(directory)].map(({ name }) => name);

Deno.test("placeFile() replaces a file in one step, with the permissions that were asked for", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/not/there/yet/agent`;
    for (const text of ["one", "two"]) {
      await placeFile(path, 0o755, (file) => file.write(bytes(text)));
      assertEquals([await Deno.readTextFile(path), await modeOf(path)], [text, 0o755]);
      await Deno.writeTextFile(`${path}.new`, "left over from a power cut", { mode: 0o600 });
    }
    const before = Deno.umask(0o077);
    try {
      await placeFile(path, 0o644, (file) => file.write(bytes("three")));
    } finally {
      Deno.umask(before);
    }
    assertEquals([await Deno.readTextFile(path), await modeOf(path)], ["three", 0o644]);
    assertEquals(namesIn(`${directory}/not/there/yet`), ["agent"]);
  }));

Deno.test("what placeFile() cannot finish leaves what was there, and nothing beside it", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/agent`;
    await Deno.writeTextFile(path, "old");
    const error = await assertRejects(
      () =>
        placeFile(path, 0o755, (file) => {
          file.write(bytes("half"));
          throw new Error("no more");
        }),
      UpdateError,
    );
    assertEquals(error.code, "slot");
    assertStringIncludes(error.message, `writing ${path}: no more; `);
    assertEquals([await Deno.readTextFile(path), namesIn(directory)], ["old", ["agent"]]);
  }));

Deno.test("setAside() keeps a file where nobody runs it", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/service`, "theirs", { mode: 0o755 });
    await Deno.writeTextFile(`${directory}/service.bak`, "older");
    await setAside(`${directory}/service`, `${directory}/service.bak`);
    assertEquals(namesIn(directory), ["service.bak"]);
    assertEquals(await Deno.readTextFile(`${directory}/service.bak`), "theirs");
    assertEquals(await modeOf(`${directory}/service.bak`), 0o644);
    await removeFile(`${directory}/service.bak`);
    await removeFile(`${directory}/service.bak`);
    assertEquals(namesIn(directory), []);
  }));
