import { assertEquals, assertRejects } from "@std/assert";
import { createBlock, editBlock, GrubEditenv, ownEditor } from "../../mod/boot/mod.ts";
import { UpdateError } from "../../mod/core/mod.ts";

const CHANGES = { active_slot: "B", boot_counter: "3", boot_success: "0" };

async function withScratch(body: (scratch: string) => Promise<void>) {
  const directory = await Deno.makeTempDir();
  try {
    await body(`${directory}/scratch`);
    assertEquals([...Deno.readDirSync(`${directory}/scratch`)].map(({ name }) => name), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A program that leaves a line in `log` and then does what `script` says. */
async function standIn(path: string, script: string) {
  await Deno.writeTextFile(path, `#!/bin/sh\necho "$@" >> ${path}.log\n${script}\n`, {
    mode: 0o755,
  });
  return async () => (await Deno.readTextFile(`${path}.log`)).trimEnd().split("\n");
}

Deno.test("GrubEditenv makes the block with the tool, and removes its scratch file", async () => {
  await withScratch(async (scratch) => {
    const program = await Deno.makeTempFile();
    const calls = await standIn(program, `exec /usr/bin/grub-editenv "$@"`);
    const editor = new GrubEditenv({ scratch, programs: [program] });
    const made = await editor.edit(undefined, CHANGES);
    assertEquals(made, editBlock(createBlock(), CHANGES));
    assertEquals(
      await editor.edit(made, { active_slot: "A", boot_counter: undefined }),
      editBlock(made, { active_slot: "A", boot_counter: undefined }),
    );
    const file = `${scratch}/grubenv.scratch`;
    assertEquals(await calls(), [
      `${file} create`,
      `${file} set active_slot=B boot_counter=3 boot_success=0`,
      `${file} unset boot_counter`,
      `${file} set active_slot=A`,
    ]);
    await Deno.remove(program);
    await Deno.remove(`${program}.log`);
  });
});

Deno.test("GrubEditenv makes the same bytes where the tool is missing, fails or does nothing", async () => {
  for (const script of [undefined, "exit 1", "exit 0", "echo junk > $1"]) {
    await withScratch(async (scratch) => {
      const program = `${await Deno.makeTempDir()}/tool`;
      if (script) await standIn(program, script);
      const editor = new GrubEditenv({ scratch, programs: [program] });
      assertEquals(
        await editor.edit(createBlock(), CHANGES),
        await ownEditor.edit(createBlock(), CHANGES),
      );
      await Deno.remove(program.replace("/tool", ""), { recursive: true });
    });
  }
});

Deno.test("GrubEditenv of a full block is the codec's error", async () => {
  const full = editBlock(createBlock(), { other: "x".repeat(900) });
  const editor = new GrubEditenv({ scratch: "/nonexistent" });
  await assertRejects(() => editor.edit(full, CHANGES), UpdateError, "are full");
});
