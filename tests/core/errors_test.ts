import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { EXIT, oneLine, reasonOf, requestReasonOf, UpdateError } from "../../mod/core/mod.ts";

const anyText = fc.string({ unit: fc.nat(0x20ff).map((code) => String.fromCharCode(code)) });

Deno.test("exit codes are the published ones", () => {
  assertEquals(EXIT, {
    done: 0,
    usage: 2,
    available: 10,
    refused: 20,
    verification: 30,
    source: 40,
    slot: 50,
    unhealthy: 60,
  });
});

Deno.test("an error keeps its parts and its cause, and reads as one line", () => {
  const cause = new Error("reset by peer");
  const parts = { operation: "reading x", found: "half\n\tof it", advice: "try again" };
  const error = new UpdateError("source", { ...parts, cause });
  assertEquals(error.message, "reading x: half of it; try again");
  assertEquals([error.name, error.code, error.found], ["UpdateError", "source", "half\n\tof it"]);
  assert(error.cause === cause && error instanceof Error);
});

Deno.test("the reason of anything that was thrown is text", () => {
  assertEquals(reasonOf(new Error("a\n b ")), "a b");
  assertEquals(reasonOf(new TypeError()), "TypeError");
  assertEquals([reasonOf("text"), reasonOf(undefined), reasonOf(5)], ["text", "undefined", "5"]);
});

Deno.test("the reason of a failed request has nothing of its URL, whenever it failed", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const hangingUp = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(1024));
      connection.close();
    }
  })();
  const url = (port: number) => `http://127.0.0.1:${port}/x?token=(s)ecret`;
  for (const port of [1, listener.addr.port]) {
    const error = await fetch(url(port)).then(() => undefined, (error) => error);
    assert(error.message.includes("ecret"), `the runtime is discreet by itself: ${error.message}`);
    const reason = requestReasonOf(error);
    assert(/^client error/.test(reason), reason);
    assert(!reason.includes("ecret"), reason);
  }
  listener.close();
  await hangingUp.catch(() => {});
});

Deno.test("nothing that a server says drives a terminal from within a message", () => {
  fc.assert(fc.property(anyText, (found) => {
    const { message } = new UpdateError("source", { operation: "o", found, advice: "a" });
    // deno-lint-ignore no-control-regex
    assert(!/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(message));
    assertEquals(oneLine(message), message);
  }));
  assertEquals(oneLine("a \x1b b"), "a b");
  assertEquals(oneLine("\x1b]0;x\x07a\x9b2Jb\u202ec\u0085"), "]0;xa2Jbc");
});
