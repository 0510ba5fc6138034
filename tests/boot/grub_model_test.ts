import { assert, assertEquals } from "@std/assert";
import { createBlock, editBlock, readCopy } from "../../mod/boot/mod.ts";
import {
  type BootVariables,
  forecastBoot,
  otherSlot,
  type Slot,
  SLOTS,
} from "../../mod/core/mod.ts";
import {
  type Bootable,
  bootGrub,
  type GrubBoot,
  type GrubConditions,
  type GrubFiles,
} from "../fakes/grub_model.ts";

const block = (active?: string, counter?: string, success?: string) =>
  editBlock(createBlock(), { active_slot: active, boot_counter: counter, boot_success: success });

/** Every content of one copy that grub.cfg tells apart, sane or not. */
const COPIES: readonly (Uint8Array | null)[] = [
  null,
  new Uint8Array(0),
  new Uint8Array(1024),
  new TextEncoder().encode("junk".repeat(256)),
  block("A", "2", "0").slice(0, 512),
  new TextEncoder().encode(text("active_slot=A\nboot_success=0\nboot_success=0\nboot_counter=1\n")),
  editBlock(block("B", "3", "0"), { others: "x".repeat(865) }),
  block(undefined, "3", "1"),
  block("A", undefined, "0"),
  block("B", "3", undefined),
  block("C", "3", "1"),
  block("A", "3", "2"),
  ...["A", "B"].flatMap((active) =>
    ["3", "2", "1", "0", "nine"].flatMap((counter) =>
      ["0", "1"].map((success) => block(active, counter, success))
    )
  ),
];
const SLOT_CONDITIONS: readonly Bootable[] = [true, false].flatMap((A) =>
  [true, false].map((B) => ({ A, B }))
);
const CONDITIONS: readonly GrubConditions[] = [true, false].flatMap((saves) =>
  [false, true].map((strikes) => ({ saves, strikes }))
);

const known = new WeakMap<Uint8Array, BootVariables | undefined>();

interface Case {
  readonly files: GrubFiles;
  readonly bootable: Bootable;
  readonly conditions: GrubConditions;
  /** What GRUB goes by before it boots. */
  readonly before?: BootVariables;
  readonly boot: GrubBoot;
  readonly where: string;
}

const EVERY_CASE: readonly Case[] = COPIES.flatMap((grubenv, first) =>
  COPIES.flatMap((backup, second) => {
    const files = { grubenv, backup };
    const before = believed(files);
    return SLOT_CONDITIONS.flatMap((bootable) =>
      CONDITIONS.map((conditions) => ({
        files,
        before,
        bootable,
        conditions,
        boot: bootGrub(files, bootable, conditions),
        where: `copies ${first} and ${second}, ${JSON.stringify({ bootable, conditions })}`,
      }))
    );
  })
);

/** Checks every case that `applies`; says how many they were. */
function checkAll(what: string, applies: (one: Case) => boolean, check: (one: Case) => void): void {
  let checked = 0;
  for (const one of EVERY_CASE) {
    if (!applies(one)) continue;
    check(one);
    checked++;
  }
  console.log(`${what}: ${checked} combinations`);
  assert(checked > 500, `only ${checked} combinations`);
}

Deno.test("GRUB never starts a slot that cannot be verified", () => {
  checkAll("unverifiable slots", () => true, ({ boot, bootable, where }) => {
    if (boot.started) assert(bootable[boot.started.slot], where);
  });
});

Deno.test("GRUB starts something from any state with a good slot, and nothing without", () => {
  checkAll("something starts", () => true, ({ boot, bootable, where }) => {
    assertEquals(boot.started !== undefined, bootable.A || bootable.B, where);
  });
});

Deno.test("GRUB never starts a trial without a recorded attempt", () => {
  const isTrial = ({ boot }: Case) => boot.started?.why === "trial";
  checkAll("trials", isTrial, ({ boot, before, conditions, where }) => {
    const after = believed(boot);
    assert(conditions.saves && before && !before.success, where);
    assertEquals(boot.started?.slot, before.active, where);
    assertEquals(after, { ...before, counter: (before.counter ?? 0) - 1 }, where);
  });
});

Deno.test("GRUB starts a slot on trial in another way only where the other slot cannot be", () => {
  const onTrial = ({ boot, before }: Case) =>
    before?.success === false && boot.started?.slot === before.active;
  checkAll("slots on trial", onTrial, ({ boot, bootable, before, where }) => {
    if (boot.started?.why === "trial") return;
    assertEquals(boot.started?.why, "fallback", where);
    assertEquals(bootable[otherSlot(before?.active as Slot)], false, where);
  });
});

Deno.test("what is forecast is what GRUB does where nothing fails", () => {
  const well = ({ bootable, conditions, boot }: Case) =>
    bootable.A && bootable.B && conditions.saves === true && !conditions.strikes &&
    boot.started?.why !== "nosave";
  const why = { confirmed: "normal", trial: "trial", back: "rollback", default: "noenv" };
  checkAll("forecasts", well, ({ boot, before, where }) => {
    const forecast = forecastBoot({ copies: [], effective: before });
    assertEquals(boot.started, { slot: forecast.slot, why: why[forecast.why] } as unknown, where);
    assertEquals(forecast.attempts, forecast.why === "trial" ? before?.counter : undefined, where);
  });
});

Deno.test("GRUB writes nothing where the slot is confirmed", () => {
  const confirmed = ({ before, conditions }: Case) => !!before?.success && !conditions.strikes;
  checkAll("confirmed slots", confirmed, ({ boot, bootable, before, files, where }) => {
    assert(boot.grubenv === files.grubenv && boot.backup === files.backup, where);
    if (before && bootable[before.active]) assertEquals(boot.started?.why, "normal", where);
  });
});

Deno.test("GRUB writes only the copy that it goes by, and leaves it one that it goes by", () => {
  checkAll("writes", () => true, ({ boot, files, before, conditions, where }) => {
    assert(boot.env === "grubenv" || boot.grubenv === files.grubenv, where);
    assert(boot.env === "grubenv.bak" || boot.backup === files.backup, where);
    assertEquals(believed(boot) !== undefined, before !== undefined, where);
    if (!conditions.saves) assertEquals(believed(boot), before, where);
  });
});

Deno.test("GRUB that can save leaves a bad trial within four boots, for good", () => {
  const onTrial = ({ before, files, conditions, bootable }: Case) =>
    before?.success === false && !!conditions.saves && !conditions.strikes &&
    bootable[otherSlot(before.active)] && isOrdinary(files);
  checkAll("bad trials", onTrial, ({ files, bootable, before, where }) => {
    const other = otherSlot(before?.active as Slot);
    let now: GrubFiles = files;
    let boots = 0;
    do {
      const boot = bootGrub(now, bootable);
      now = boot;
      boots++;
    } while (believed(now)?.active !== other && boots < 5);
    assert(boots <= 4, where);
    assertEquals(believed(now), { active: other, counter: 3, success: true }, where);
    const next = bootGrub(now, bootable);
    assertEquals(next.started, { slot: other, why: "normal" }, where);
    assertEquals(believed(next), believed(now), where);
  });
});

Deno.test("GRUB tries a slot three times before it goes back", () => {
  for (const slot of SLOTS) {
    let now: GrubFiles = { grubenv: block(slot, "3", "0"), backup: block(slot, "3", "0") };
    const boots = [1, 2, 3, 4, 5].map(() => {
      const boot = bootGrub(now, { A: true, B: true });
      now = boot;
      return `${boot.started?.slot} ${boot.started?.why}`;
    });
    const other = otherSlot(slot);
    const trial = `${slot} trial`;
    assertEquals(boots, [trial, trial, trial, `${other} rollback`, `${other} normal`]);
  }
});

Deno.test("GRUB with two bad slots settles: it writes no more after the second boot", () => {
  const hopeless = ({ bootable, conditions, files }: Case) =>
    !bootable.A && !bootable.B && !conditions.strikes && isOrdinary(files);
  checkAll("two bad slots", hopeless, ({ boot, bootable, conditions, where }) => {
    const second = bootGrub(boot, bootable, conditions);
    const third = bootGrub(second, bootable, conditions);
    assert(third.grubenv === second.grubenv && third.backup === second.backup, where);
  });
});

Deno.test("GRUB that counts strikes tries the other slot once, and keeps the active one", () => {
  let now: GrubFiles = { grubenv: block("A", "3", "1"), backup: null };
  const boots = [1, 2, 3, 4, 5].map(() => {
    const boot = bootGrub(now, { A: true, B: true }, { strikes: true });
    now = boot;
    return `${boot.started?.slot} ${boot.started?.why}`;
  });
  assertEquals(boots, ["A normal", "A normal", "A normal", "B fallback", "A normal"]);
  assertEquals(believed(now), { active: "A", counter: 2, success: true });
});

/** Neither full nor with a variable twice: then GRUB cannot record anything. */
function isOrdinary({ grubenv, backup }: GrubFiles): boolean {
  return [grubenv, backup].every((bytes) => bytes !== COPIES[5] && bytes !== COPIES[6]);
}

function believed({ grubenv, backup }: GrubFiles): BootVariables | undefined {
  return variablesOf(grubenv) ?? variablesOf(backup);
}

function variablesOf(bytes: Uint8Array | null): BootVariables | undefined {
  if (!bytes) return undefined;
  if (!known.has(bytes)) {
    const copy = readCopy("grubenv", bytes);
    known.set(bytes, "variables" in copy ? copy.variables : undefined);
  }
  return known.get(bytes);
}

function text(lines: string): string {
  return `# GRUB Environment Block\n${lines}`.padEnd(1024, "#");
}
