import { assertEquals } from "@std/assert";
import { type Check, examine, needed, ok } from "../../../mod/cli/doctor/check.ts";
import { UpdateError } from "../../../mod/core/mod.ts";

Deno.test("a check that throws or never answers keeps no other one from being made", async () => {
  const failure = new UpdateError("slot", {
    operation: "looking",
    found: "a hole",
    advice: "mend",
  });
  const checks: readonly Check[] = [
    { name: "hangs", seconds: 0.05, look: () => new Promise(() => {}) },
    { name: "throws", look: () => Promise.reject(failure) },
    { name: "breaks", look: () => Promise.reject(new TypeError("no such method")) },
    { name: "needs", look: () => needed(Promise.reject(failure), "what runs") },
    { name: "works", look: () => Promise.resolve(ok("well")) },
  ];
  assertEquals((await examine(checks)).map(({ name, level, found }) => [name, level, found]), [
    ["hangs", "problem", "no answer within 0.05 s"],
    ["throws", "problem", "looking: a hole"],
    ["breaks", "problem", "no such method"],
    ["needs", "skipped", "what runs cannot be told"],
    ["works", "ok", "well"],
  ]);
});
