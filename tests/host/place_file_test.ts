import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { UpdateError } from "../../mod/core/mod.ts";
import { placeFile, removeFile } from "../../mod/host/mod.ts";
import { inScratch } from "../in_scratch.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
const namesIn = (directory: string) => [...Deno.readDirSync(directory)].map(({ name }) => name);

Deno.test("placeFile() replaces a file in one step, with the permissions that were asked for", () =>
  inScratch(async (directory) => {
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
  inScratch(async (directory) => {
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

Deno.test("placeFile() keeps what was there by another name, where nobody runs it", () =>
  inScratch(async (directory) => {
    const path = `${directory}/service`;
    await Deno.writeTextFile(path, "theirs", { mode: 0o755 });
    await Deno.writeTextFile(`${path}.bak`, "older");
    await placeFile(path, 0o755, (file) => file.write(bytes("ours")), `${path}.bak`);
    assertEquals(namesIn(directory).sort(), ["service", "service.bak"]);
    const texts = ["", ".bak"].map((end) => Deno.readTextFileSync(`${path}${end}`));
    assertEquals(texts, ["ours", "theirs"]);
    assertEquals([await modeOf(path), await modeOf(`${path}.bak`)], [0o755, 0o644]);
    await removeFile(path);
    await removeFile(path);
    assertEquals(namesIn(directory), ["service.bak"]);
  }));
