import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type BlockEditor,
  createBlock,
  editBlock,
  GrubBootEnv,
  listVariables,
  readCopy,
} from "../../mod/boot/mod.ts";
import { type Disk, SLOTS, UpdateError } from "../../mod/core/mod.ts";
import { DenoDisk } from "../../mod/host/mod.ts";
import { MemoryDisk, PowerCut, SURVIVALS, TORN_SURVIVALS } from "../fakes/memory_disk.ts";

const block = (slot: string, counter: string, success: string, more = {}) =>
  editBlock(createBlock(), {
    active_slot: slot,
    boot_counter: counter,
    boot_success: success,
    ...more,
  });
const CONFIRMED_A = block("A", "3", "1");
const CONFIRMED_B = block("B", "3", "1");
const TRIAL_B = block("B", "3", "0");
const ZEROED = new Uint8Array(1024);
const SHORT = CONFIRMED_A.slice(0, 512);

function environment(disk: Disk, editor?: BlockEditor) {
  const accesses: string[] = [];
  const bootEnv = new GrubBootEnv({
    disk,
    editor,
    place: (access, body) => {
      accesses.push(access);
      return body("/grub");
    },
  });
  return { bootEnv, accesses };
}

function diskWith(grubenv: Uint8Array | null, backup: Uint8Array | null): MemoryDisk {
  const disk = new MemoryDisk();
  if (grubenv) disk.put("/grub/grubenv", grubenv);
  if (backup) disk.put("/grub/grubenv.bak", backup);
  return disk;
}

const bothCopies = (disk: MemoryDisk) => [
  disk.get("/grub/grubenv"),
  disk.get("/grub/grubenv.bak"),
];

Deno.test("try() writes both copies, in place, the first one durably before the second", async () => {
  const disk = diskWith(CONFIRMED_A, CONFIRMED_A);
  await environment(disk).bootEnv.try("B");
  assertEquals(bothCopies(disk), [TRIAL_B, TRIAL_B]);
  assertEquals(disk.steps, [
    "write 1024 bytes to /grub/grubenv at 0",
    "sync /grub/grubenv",
    "write 1024 bytes to /grub/grubenv.bak at 0",
    "sync /grub/grubenv.bak",
  ]);
});

Deno.test("confirm() writes only the copy that differs", async () => {
  const disk = diskWith(block("B", "2", "0"), CONFIRMED_B);
  await environment(disk).bootEnv.confirm("B");
  assertEquals(bothCopies(disk), [CONFIRMED_B, CONFIRMED_B]);
  assertEquals(disk.steps.filter((step) => step.includes(".bak")), []);
});

Deno.test("confirm() of a confirmed slot does not even ask for a place to write", async () => {
  const disk = diskWith(CONFIRMED_B, CONFIRMED_B);
  const { bootEnv, accesses } = environment(disk);
  await bootEnv.confirm("B");
  assertEquals(disk.steps, []);
  assertEquals(accesses, ["read"]);
});

Deno.test("confirm() keeps the variables of others, from the copy that GRUB goes by", async () => {
  const mine = block("A", "1", "0", { saved_entry: "x\\y" });
  const disk = diskWith(mine, CONFIRMED_B);
  await environment(disk).bootEnv.confirm("A");
  const wanted = block("A", "3", "1", { saved_entry: "x\\y" });
  assertEquals(bothCopies(disk), [wanted, wanted]);
});

for (
  const [name, copy] of [
    ["absent", null],
    ["zeroed", ZEROED],
    ["short", SHORT],
    ["junk", new TextEncoder().encode("junk".repeat(256))],
    ["without an end", new TextEncoder().encode("# GRUB Environment Block\na=1".padEnd(1024, "#"))],
  ] as const
) {
  Deno.test(`confirm() makes copies anew that are ${name}`, async () => {
    const disk = diskWith(copy, copy);
    await environment(disk).bootEnv.confirm("B");
    for (const found of bothCopies(disk)) {
      assertEquals(found?.length, 1024);
      assertEquals(listVariables(found as Uint8Array), listVariables(CONFIRMED_B));
    }
    assertEquals((await disk.list("/grub")).length, 2);
  });
}

Deno.test("confirm() says what GRUB will read where a block names a variable twice", async () => {
  const lines = "boot_success=0\nx=1\nactive_slot=A\nboot_counter=0\nboot_success=0\n";
  const twice = new TextEncoder().encode(`# GRUB Environment Block\n${lines}`.padEnd(1024, "#"));
  const disk = diskWith(twice, twice);
  const { bootEnv } = environment(disk);
  await bootEnv.confirm("B");
  const { effective } = await bootEnv.read();
  assertEquals(effective, { active: "B", counter: 3, success: true });
  assertEquals(listVariables(disk.get("/grub/grubenv") as Uint8Array).get("x"), "1");
});

Deno.test("try() repairs the second copy before it touches the only one that GRUB believes", async () => {
  const disk = diskWith(CONFIRMED_A, ZEROED);
  await environment(disk).bootEnv.try("B");
  assertEquals(disk.steps[0], "write 1024 bytes to /grub/grubenv.bak at 0");
  assertEquals(bothCopies(disk), [TRIAL_B, TRIAL_B]);
});

Deno.test("a power cut leaves what was or what is wanted, and running it again ends well", async () => {
  let cuts = 0;
  for (const { grubenv, backup, call, slot, survival } of cutCases()) {
    const wanted = { active: slot, counter: 3, success: call === "confirm" };
    const before = effectiveOf(grubenv, backup);
    for (let step = 0;; step++) {
      const disk = diskWith(grubenv, backup);
      disk.cutAt({ step, torn: false });
      if (!await wasCut(() => environment(disk).bootEnv[call](slot))) break;
      cuts++;
      const where = `${call}(${slot}) cut after ${disk.steps.at(-1)}, ${survival} survived`;
      const again = disk.powerOn(survival);
      const now = effectiveOf(...bothCopies(again));
      const known = [before, wanted, effectiveOf(null, backup)].map((one) => JSON.stringify(one));
      assert(known.includes(JSON.stringify(now)), where);
      assert(now || !before, `${where}: no copy is left`);

      await environment(again).bootEnv[call](slot);
      const [first, second] = bothCopies(again);
      assertEquals(effectiveOf(first, null), wanted, where);
      assertEquals(first, second, where);
    }
  }
  console.log(`checked ${cuts} power cuts`);
  assert(cuts > 1000);
});

Deno.test("read() says what GRUB makes of each copy", async () => {
  const found = async (grubenv: Uint8Array | null, backup: Uint8Array | null) =>
    await environment(diskWith(grubenv, backup)).bootEnv.read();
  assertEquals(await found(block("B", "2", "0"), CONFIRMED_A), {
    copies: [
      { name: "grubenv", variables: { active: "B", success: false, counter: 2 } },
      { name: "grubenv.bak", variables: { active: "A", success: true, counter: 3 } },
    ],
    effective: { active: "B", success: false, counter: 2 },
  });
  assertEquals((await found(ZEROED, CONFIRMED_B)).effective?.active, "B");
  assertEquals(await found(ZEROED, null), {
    copies: [
      { name: "grubenv", problem: "all zero bytes" },
      { name: "grubenv.bak", problem: "absent" },
    ],
  });
});

Deno.test("readCopy() names what is wrong with a copy", () => {
  const problem = (bytes: Uint8Array) => {
    const copy = readCopy("grubenv", bytes);
    return "problem" in copy ? copy.problem : copy.variables;
  };
  assertEquals(problem(block("C", "3", "1")), "active_slot=C");
  assertEquals(problem(block("A", "3", "2")), "boot_success=2");
  assertEquals(problem(editBlock(createBlock(), { boot_success: "1" })), "no active_slot");
  assertEquals(problem(createBlock().slice(0, 300)), "300 bytes instead of 1024");
  assertEquals(problem(new Uint8Array(0)), "0 bytes instead of 1024");
  assertEquals(problem(new TextEncoder().encode("x".repeat(1024))), "no GRUB environment block");
  assertEquals(problem(block("A", "nine", "0")), { active: "A", success: false });
  assertEquals(problem(block("A", "4", "0")), { active: "A", success: false });
  assertEquals(problem(block("A", "0", "0")), { active: "A", success: false, counter: 0 });
  assertEquals(problem(SHORT), { active: "A", success: true, counter: 3 });
});

for (
  const [name, thrown, advice] of [
    ["read-only", new Error("Read-only file system (os error 30)"), "fsck.vfat"],
    ["full", new Error("No space left on device (os error 28)"), "make room"],
    ["failing", new Error("Input/output error (os error 5)"), "replace it"],
    ["not there", new Deno.errors.NotFound("No such file (os error 2)"), "the one that GRUB reads"],
    ["forbidden", new Deno.errors.PermissionDenied("os error 13"), "as root"],
  ] as const
) {
  Deno.test(`a file system that is ${name} is an error with code slot and advice`, async () => {
    const disk = diskWith(CONFIRMED_A, CONFIRMED_A);
    disk.open = (_path, mode) =>
      mode === "read" ? MemoryDisk.prototype.open.call(disk, _path, mode) : Promise.reject(thrown);
    const error = await assertRejects(
      () => environment(disk).bootEnv.try("B"),
      UpdateError,
      "writing the boot environment",
    );
    assertEquals(error.code, "slot");
    assert(error.advice.includes(advice), error.advice);
    assertEquals(error.cause, thrown);
  });
}

Deno.test("a disk that does not keep what was written is an error", async () => {
  const disk = diskWith(CONFIRMED_A, CONFIRMED_A);
  const open = disk.open.bind(disk);
  disk.open = async (path, mode) => ({ ...await open(path, mode), write: () => {} });
  const error = await assertRejects(() => environment(disk).bootEnv.try("B"), UpdateError);
  assertEquals(error.found, "it reads back differently");
});

Deno.test("a block that others have filled is an error, and nothing is written", async () => {
  const full = editBlock(createBlock(), { other: "x".repeat(900) });
  const disk = diskWith(full, full);
  await assertRejects(() => environment(disk).bootEnv.try("B"), UpdateError, "are full");
  assertEquals(disk.steps, []);
});

Deno.test("try() and confirm() work on real files", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const bootEnv = new GrubBootEnv({
      disk: new DenoDisk(),
      place: (_access, body) => body(directory),
    });
    await bootEnv.confirm("A");
    const inode = (await Deno.stat(`${directory}/grubenv`)).ino;
    await bootEnv.try("B");
    assertEquals((await Deno.stat(`${directory}/grubenv`)).ino, inode);
    assertEquals(await Deno.readFile(`${directory}/grubenv`), TRIAL_B);
    assertEquals(await Deno.readFile(`${directory}/grubenv.bak`), TRIAL_B);
    assertEquals([...Deno.readDirSync(directory)].length, 2);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function* cutCases() {
  const copies = [CONFIRMED_A, CONFIRMED_B, TRIAL_B, block("A", "0", "0"), ZEROED, SHORT, null];
  for (const grubenv of copies) {
    for (const backup of copies) {
      for (const slot of SLOTS) {
        for (const call of ["try", "confirm"] as const) {
          for (const survival of [...SURVIVALS, ...TORN_SURVIVALS]) {
            yield { grubenv, backup, slot, call, survival };
          }
        }
      }
    }
  }
}

function effectiveOf(...copies: (Uint8Array | null | undefined)[]) {
  for (const bytes of copies) {
    const copy = readCopy("grubenv", bytes ?? null);
    if (!("variables" in copy)) continue;
    const { active, counter, success } = copy.variables;
    return { active, counter, success };
  }
}

async function wasCut(action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return false;
  } catch (error) {
    if (error instanceof UpdateError && error.cause instanceof PowerCut) return true;
    throw error;
  }
}
