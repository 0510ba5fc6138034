import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  type Boot,
  bootArguments,
  isSlot,
  otherSlot,
  runningSlot,
  UpdateError,
} from "../../mod/core/mod.ts";

const anyText = fc.string({ unit: fc.nat(0x20ff).map((code) => String.fromCharCode(code)) });

Deno.test("the other slot of the other slot is the slot", () => {
  assertEquals([otherSlot("A"), otherSlot("B")], ["B", "A"]);
});

Deno.test("a slot is A or B", () => {
  for (const value of ["a", "", "C", "AB", 0, null, undefined]) assertEquals(isSlot(value), false);
  assertEquals([isSlot("A"), isSlot("B")], [true, true]);
});

Deno.test("the kernel's command line is read word by word, and never guessed", () => {
  const cases: [string, ReturnType<typeof bootArguments>][] = [
    ["ro quiet ksolo.slot=A ksolo.boot=normal\n", { slot: "A", why: "normal" }],
    ["ksolo.slot=B", { slot: "B" }],
    ["ksolo.boot=fallback", { why: "fallback" }],
    ["ksolo.slot=C ksolo.boot=perhaps", {}],
    ["ksolo.slot= ksolo.boot", {}],
    ["xksolo.slot=A ksolo.slotA", {}],
    ["", {}],
  ];
  for (const [line, expected] of cases) assertEquals(bootArguments(line), expected);
});

Deno.test("every reason that GRUB gives is understood", () => {
  for (const why of ["normal", "trial", "rollback", "fallback", "nosave", "noenv", "manual"]) {
    assertEquals(bootArguments(`ksolo.boot=${why}`).why as string, why);
  }
});

Deno.test("any command line is read without an error", () => {
  fc.assert(fc.property(anyText, (line) => {
    const { slot } = bootArguments(line);
    assert(slot === undefined || isSlot(slot));
  }));
});

Deno.test("the running slot is the kernel's, else the root's, else the confirmed one", () => {
  const boot = (facts: Partial<Boot>) => ({ id: "x", ...facts });
  assertEquals(runningSlot(boot({ slot: "B" }), "A"), "B");
  assertEquals(runningSlot(boot({ slot: "B", root: "B" })), "B");
  assertEquals(runningSlot(boot({ root: "A" }), "B"), "A");
  assertEquals(runningSlot(boot({}), "B"), "B");
});

Deno.test("a doubt about the running slot stops everything", () => {
  const doubts: [Boot, string][] = [
    [{ id: "x", slot: "A", root: "B" }, "mounted from slot B"],
    [{ id: "x" }, "no slot is confirmed"],
  ];
  for (const [boot, words] of doubts) {
    const error = assertThrows(() => runningSlot(boot), UpdateError);
    assertEquals(error.code, "slot");
    assert(error.message.includes(words) && error.message.includes("nothing was written"));
  }
});
