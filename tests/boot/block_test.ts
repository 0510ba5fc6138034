import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  BLOCK_BYTES,
  type BlockChanges,
  createBlock,
  editBlock,
  isBlock,
  listVariables,
} from "../../mod/boot/mod.ts";
import { UpdateError } from "../../mod/core/mod.ts";

const TOOL = "/usr/bin/grub-editenv";
const EDITS_TO_COMPARE = 2000;
const EDITS_IN_A_RUN = 25;

const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
const block = (body: string, length = BLOCK_BYTES) =>
  new TextEncoder().encode(`# GRUB Environment Block\n${body}`.padEnd(length, "#"));

/** What the tool leaves in `file` after one edit, or that it refused. */
async function byTool(file: string, args: readonly string[]): Promise<Uint8Array | "refused"> {
  const command = new Deno.Command(TOOL, { args: [file, ...args], stderr: "null" });
  return (await command.output()).success ? await Deno.readFile(file) : "refused";
}

function byCodec(bytes: Uint8Array, changes: BlockChanges): Uint8Array | "refused" {
  try {
    return editBlock(bytes, changes);
  } catch (error) {
    if (error instanceof UpdateError) return "refused";
    throw error;
  }
}

const isOwn = (bytes: Uint8Array) => text(bytes) === text(createBlock());

/** Values with what is special to the format in them, up to lengths that fill the block. */
const values = fc.oneof(
  fc.constantFrom("A", "B", "0", "1", "2", "3", "", "#", "=", "\\", "\n", "a\\", "\\\n=#"),
  fc.string({ unit: fc.constantFrom(..."ab\\\n#= é"), maxLength: 12 }),
  fc.integer({ min: 0, max: 700 }).map((length) => "x".repeat(length)),
);
const names = fc.constantFrom(
  "active_slot",
  "boot_counter",
  "boot_success",
  "b",
  "bo",
  "saved_entry",
);
const edits = fc.array(fc.tuple(names, fc.option(values, { nil: undefined })), {
  minLength: EDITS_IN_A_RUN,
  maxLength: EDITS_IN_A_RUN,
});
/** What may stand in a block before the first edit: comments, junk, doubles, lines without an end. */
const beginnings = fc.oneof(
  { weight: 3, arbitrary: fc.constant(createBlock()) },
  {
    weight: 2,
    arbitrary: fc.array(
      fc.constantFrom(
        "# a comment",
        "junk",
        "b=1",
        "b=2",
        "active_slot=A",
        "x=\\",
        "=",
        "#b=3",
        "",
      ),
      { maxLength: 6 },
    ).map((lines) => block(lines.map((line) => `${line}\n`).join(""))),
  },
  { weight: 1, arbitrary: fc.constantFrom(block("b=1"), block("b=1\n", 200), block("b=1\n", 29)) },
);

Deno.test("createBlock() makes the bytes of grub-editenv create", async () => {
  const file = await Deno.makeTempFile();
  try {
    assertEquals(text(await byTool(file, ["create"]) as Uint8Array), text(createBlock()));
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("editBlock() makes the bytes of grub-editenv, edit by edit", async () => {
  const file = await Deno.makeTempFile();
  let compared = 0;
  let refused = 0;
  try {
    const property = fc.asyncProperty(beginnings, edits, async (beginning, list) => {
      let ours: Uint8Array = beginning;
      await Deno.writeFile(file, beginning);
      for (const [name, value] of list) {
        const args = value === undefined ? ["unset", name] : ["set", `${name}=${value}`];
        const theirs = await byTool(file, args);
        const made = byCodec(ours, { [name]: value });
        // of a block that is broken the tool leaves a variable in that it was told to unset
        const brokenUnset = value === undefined && made === "refused";
        const expected = theirs === "refused" || brokenUnset ? "refused" : text(theirs);
        assertEquals(made === "refused" ? made : text(made), expected, args.join(" "));
        if (made !== "refused") ours = made;
        else refused++;
        compared++;
      }
      if (beginning.length === BLOCK_BYTES && isOwn(beginning)) {
        await Deno.writeFile(file, ours);
        const { stdout } = await new Deno.Command(TOOL, { args: [file, "list"] }).output();
        const lines = [...listVariables(ours)].map((pair) => `${pair.join("=")}\n`);
        assertEquals(lines.join(""), new TextDecoder().decode(stdout));
      }
    });
    await fc.assert(property, { numRuns: EDITS_TO_COMPARE / EDITS_IN_A_RUN });
  } finally {
    await Deno.remove(file);
  }
  console.log(`compared ${compared} edits with grub-editenv, ${refused} of them refused by both`);
  assert(compared >= EDITS_TO_COMPARE);
});

Deno.test("listVariables() gives back what editBlock() was given", () => {
  fc.assert(fc.property(fc.dictionary(names, values), (variables) => {
    const room = Object.values(variables).join("").length < 200;
    fc.pre(room);
    const made = editBlock(createBlock(), variables);
    assertEquals(Object.fromEntries(listVariables(made)), { ...variables });
  }));
});

Deno.test("listVariables() takes the last of two lines with one name, as load_env does", () => {
  assertEquals(listVariables(block("a=1\n# a=9\na=2\n")).get("a"), "2");
});

Deno.test("listVariables() finds nothing in what is no block", () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(BLOCK_BYTES), block("a=1\n").slice(1)]) {
    assertEquals(isBlock(bytes), false);
    assertEquals(listVariables(bytes).size, 0);
  }
});

Deno.test("listVariables() ends at a line that has no end", () => {
  assertEquals([...listVariables(block("a=1\nb=2")).keys()], ["a"]);
  assertEquals([...listVariables(block("a=1\nb=2\\\n")).keys()], ["a"]);
});

Deno.test("editBlock() of a full block says so, and how to make room", () => {
  const full = editBlock(createBlock(), { other: "x".repeat(900) });
  const error = assertThrows(
    () => editBlock(full, { active_slot: "A", boot_counter: "3", boot_success: "1" }),
    UpdateError,
    "its 1024 bytes are full",
  );
  assertEquals(error.code, "slot");
});

Deno.test("editBlock() refuses names and values that GRUB could not read back", () => {
  for (const name of ["", "a b", "a=b", "#a", "a\n"]) {
    assertThrows(() => editBlock(createBlock(), { [name]: "1" }), TypeError, "cannot name");
  }
  assertThrows(() => editBlock(createBlock(), { a: "\0" }), TypeError, "NUL");
});
